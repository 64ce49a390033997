import { asMillraceError, type Clock, type MillraceError } from '../platform/index.ts'
import { partitionKey, type StreamAdmin } from './kafka-ports.ts'
import type { PartitionProgress } from './partition-progress.ts'
import { whileSlow } from './while-slow.ts'

export interface WatermarkWatchOptions {
  admin: StreamAdmin
  partitions(this: void): Iterable<PartitionProgress>
  clock: Clock
  onAway(this: void, error: MillraceError): void
  onBack(this: void): void
}

const PERIOD_MS = 1_000

/**
 * Asks the broker once a second where the partitions end, while no records say so: lag stays true when fetching is paused,
 * and a broker that is away is noticed although the client waits for it in silence.
 */
export class WatermarkWatch {
  readonly #options: WatermarkWatchOptions
  #hasNews = false
  #isClosed = false
  #cancelTimer: (() => void) | null = null

  constructor(options: WatermarkWatchOptions) {
    this.#options = options
    this.#schedule()
  }

  /** Records were fetched: the broker is there, and has said where the partition ends. */
  fetched(): void {
    this.#hasNews = true
    this.#options.onBack()
  }

  /** Partitions are new: nothing is known of their ends yet. */
  assigned(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    void this.#turn()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#cancelTimer?.()
    this.#cancelTimer = this.#options.clock.after(PERIOD_MS, () => void this.#turn())
  }

  async #turn(): Promise<void> {
    if (!this.#hasNews) await this.#ask()
    this.#hasNews = false
    this.#schedule()
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const { admin, clock, onAway, onBack } = this.#options
    const known = new Map([...this.#options.partitions()].map((progress) => [partitionKey(progress), progress]))
    if (known.size === 0) return
    const asked = [...known.values()].map(({ topic, partition }) => ({ topic, partition }))
    try {
      const ends = await whileSlow(admin.listOffsets(asked, 'latest', { isolationLevel: 'read_committed' }), clock, 'Kafka', onAway)
      if (this.#isClosed) return
      for (const end of ends) known.get(partitionKey(end))?.endsAt(end.offset)
      onBack()
    } catch (error) {
      if (!this.#isClosed) onAway(asMillraceError(error, 'KAFKA'))
    }
  }
}
