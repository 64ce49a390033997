import { asMillraceError, type DiskFile, type MillraceError } from '../../platform/index.ts'

export interface GroupCommitOptions<End> {
  /** What will be synced when a sync begins now; called just before it does. */
  capture(): End
  onSynced(end: End): void
  /** The file system refused: nothing written since the last sync may be trusted, and no further sync is tried. */
  onFailed(error: MillraceError): void
}

/**
 * One fdatasync at a time for everything that waits (P1): writes that arrive during a sync are covered by the next one.
 * What is reported as synced is the end captured before the sync began.
 */
export class GroupCommit<End> {
  readonly #options: GroupCommitOptions<End>
  #dirty = new Set<DiskFile>()
  #running: Promise<void> | null = null
  #failed = false
  /** Wait for the sync to come. */
  #waiting: (() => void)[] = []

  constructor(options: GroupCommitOptions<End>) {
    this.#options = options
  }

  /** Starts a sync, or joins the one to come. */
  wrote(file: DiskFile): void {
    if (this.#failed) return
    this.#dirty.add(file)
    this.#running ??= this.#run()
  }

  /** Syncs what is in the file now; resolves when that is over, however much is written meanwhile, also when it failed. */
  sync(file: DiskFile): Promise<void> {
    if (this.#failed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.wrote(file)
    })
  }

  /** Resolves once no sync runs and none is due. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // After the poll phase: the appends of all connections that are readable now share the sync.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      while (this.#dirty.size > 0) {
        const files = [...this.#dirty]
        this.#dirty.clear()
        const waiting = this.#waiting.splice(0)
        const end = this.#options.capture()
        try {
          await Promise.all(files.map((file) => file.datasync()))
        } catch (error) {
          this.#waiting.push(...waiting)
          throw error
        }
        this.#options.onSynced(end)
        for (const resolve of waiting) resolve()
      }
    } catch (error) {
      this.#failed = true
      this.#dirty.clear()
      this.#options.onFailed(asMillraceError(error, 'DISK_FAILED'))
    } finally {
      this.#running = null
      if (this.#failed) for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }
}
