import { asMillraceError, type Logger, type MillraceError } from '../../platform/index.ts'

/** What the disk has refused one log: for want of room, which passes, or for good. */
export class StorageHealth {
  readonly #log: Logger
  readonly #fields: { readonly topic: string; readonly partition: number }
  readonly #onOffline: (error: MillraceError) => void
  #offline: MillraceError | null = null
  #full = false
  #unreadable = false

  constructor(log: Logger, fields: { topic: string; partition: number }, onOffline: (error: MillraceError) => void) {
    this.#log = log
    this.#fields = fields
    this.#onOffline = onOffline
  }

  /** The error that took the log offline. */
  get offline(): MillraceError | null {
    return this.#offline
  }

  wrote(): void {
    if (this.#full) this.#log.info('there is room on the disk again', this.#fields)
    this.#full = false
  }

  /** A full disk is waited for; any other error ends writing. */
  writeFailed(cause: unknown): void {
    const error = asMillraceError(cause, 'DISK_FAILED')
    if (error.code !== 'DISK_FULL') return this.takeOffline(error)
    if (!this.#full) this.#log.warn('the disk is full: producers are told to try again', { ...this.#fields, error })
    this.#full = true
  }

  /** What the disk does not give back is lost to those who ask for it; all else is still read, and written. Told once: readers ask again and again. */
  readFailed(cause: unknown): void {
    if (!this.#unreadable) this.#log.error('this log could not be read', { ...this.#fields, error: asMillraceError(cause, 'DISK_FAILED') })
    this.#unreadable = true
  }

  /** P1: after a failed sync nothing unsynced is trusted; the log stays offline until the next start. */
  takeOffline(cause: unknown): void {
    if (this.#offline) return
    const error = asMillraceError(cause, 'DISK_FAILED')
    this.#offline = error
    this.#log.error('this log is offline until the next start', { ...this.#fields, error })
    this.#onOffline(error)
  }
}
