import { MillraceError, type Clock } from '../../platform/index.ts'
import type { MetadataStore, StoreTransaction } from './metadata-store.ts'

/** `reason` says who does not answer and why; `sinceMs` is the wall clock when it was noticed. */
export type StoreHealth = { is: 'ok' } | { is: 'away'; sinceMs: number; reason: string }

/** The metadata store with its health: every transaction tells whether it can be reached. */
export class WatchedStore {
  readonly store: MetadataStore
  readonly #clock: Clock
  readonly #onAway: (error: MillraceError) => void
  readonly #onBack: (awayMs: number) => void
  #health: StoreHealth = { is: 'ok' }
  #awaySinceMs = 0
  #contactSinceMs: number

  constructor(options: { store: MetadataStore; clock: Clock; onAway: (error: MillraceError) => void; onBack: (awayMs: number) => void }) {
    this.store = options.store
    this.#clock = options.clock
    this.#onAway = options.onAway
    this.#onBack = options.onBack
    this.#contactSinceMs = options.clock.monotonicMs()
  }

  get health(): StoreHealth {
    return this.#health
  }

  /** How long every call has been answered. */
  get contactMs(): number {
    return this.#health.is === 'ok' ? this.#clock.monotonicMs() - this.#contactSinceMs : 0
  }

  /** @throws METADATA_UNAVAILABLE when the store does not answer; whether the action was done is then not known */
  async transaction<T>(action: (trx: StoreTransaction) => Promise<T>): Promise<T> {
    try {
      const value = await this.store.transaction(action)
      this.#seen()
      return value
    } catch (error) {
      const failure = this.#judge(error)
      if (failure.code === 'METADATA_UNAVAILABLE') this.#missed(failure)
      throw failure
    }
  }

  /** A server that now refuses the password, or has lost the database, is away as well: it may be mended while this one runs. */
  #judge(error: unknown): MillraceError {
    const failure = this.store.error(error)
    if (!this.store.shared || error instanceof MillraceError) return failure
    if (failure.code === 'INTERNAL' || failure.code === 'METADATA_UNAVAILABLE') return failure
    return new MillraceError('METADATA_UNAVAILABLE', failure.message, { cause: error, details: failure.details })
  }

  #seen(): void {
    if (this.#health.is === 'ok') return
    this.#health = { is: 'ok' }
    this.#contactSinceMs = this.#clock.monotonicMs()
    this.#onBack(this.#contactSinceMs - this.#awaySinceMs)
  }

  #missed(error: MillraceError): void {
    if (this.#health.is === 'away') {
      this.#health = { ...this.#health, reason: error.message }
      return
    }
    this.#health = { is: 'away', sinceMs: this.#clock.nowMs(), reason: error.message }
    this.#awaySinceMs = this.#clock.monotonicMs()
    this.#onAway(error)
  }
}
