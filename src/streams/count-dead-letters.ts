import { names } from '../core/index.ts'
import { MillraceError, systemClock, type Clock } from '../platform/index.ts'
import { DeadLetterIndex } from './dead-letter-index.ts'
import { partitionsOf, readPartition, type DeadLetterKafka } from './read-dead-letters.ts'

/** Counts the open dead letters of a stream; kept from one question to the next, it reads only what is new. */
export class OpenDeadLetters {
  readonly #kafka: DeadLetterKafka
  readonly #topic: string
  readonly #clock: Clock
  #index = new DeadLetterIndex()
  #positions = new Map<number, bigint>()
  #counting: Promise<{ records: number; isExact: boolean }> | null = null

  constructor(kafka: DeadLetterKafka, project: string, stream: string, clock: Clock = systemClock) {
    this.#kafka = kafka
    this.#topic = names.deadLetters(project, stream)
    this.#clock = clock
  }

  /** `isExact` is false while it has not read to the end within `withinMs`: the next question goes on from there. */
  count({ withinMs }: { withinMs: number }): Promise<{ records: number; isExact: boolean }> {
    return (this.#counting ??= this.#count(withinMs).finally(() => (this.#counting = null)))
  }

  async #count(withinMs: number): Promise<{ records: number; isExact: boolean }> {
    const deadlineMs = this.#clock.monotonicMs() + withinMs
    const partitions = await partitionsOf(this.#kafka, this.#topic)
    const ends = await this.#kafka.admin.listOffsets(partitions, 'latest', { isolationLevel: 'read_committed' })
    // A topic that was made anew.
    if (ends.some(({ partition, offset }) => offset < (this.#positions.get(partition) ?? 0n))) this.#forget()
    let isExact = true
    for (const { partition, offset } of ends) isExact = (await this.#readTo(partition, offset, deadlineMs)) && isExact
    return { records: this.#index.openCount, isExact }
  }

  async #readTo(partition: number, end: bigint, deadlineMs: number): Promise<boolean> {
    const topic = this.#topic
    const offset = this.#positions.get(partition)
    if ((offset ?? 0n) >= end) return true
    const from = offset === undefined ? 'earliest' : { offset }
    const enough = new AbortController()
    try {
      await readPartition(
        this.#kafka,
        { topic, partition, from, end },
        (batch) => {
          this.#index.add(batch)
          this.#positions.set(partition, batch.nextOffset)
          if (this.#clock.monotonicMs() > deadlineMs && batch.nextOffset < end)
            enough.abort(new MillraceError('CANCELLED', 'counted for long enough'))
        },
        enough.signal,
      )
    } catch (error) {
      if (enough.signal.aborted) return false
      if (error instanceof MillraceError && error.code === 'OFFSET_OUT_OF_RANGE') this.#forget()
      throw error
    }
    this.#positions.set(partition, end)
    return true
  }

  #forget(): void {
    this.#index = new DeadLetterIndex()
    this.#positions = new Map()
  }
}
