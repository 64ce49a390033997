import { names } from '../core/index.ts'
import { MillraceError, systemClock, type Clock } from '../platform/index.ts'
import { DeadLetterIndex } from './dead-letter-index.ts'
import { readPartition, standingTopic, type DeadLetterKafka } from './read-dead-letters.ts'

/** Counts the open dead letters of a stream; kept from one question to the next, it reads only what is new. */
export class OpenDeadLetters {
  readonly #kafka: DeadLetterKafka
  readonly #topic: string
  readonly #clock: Clock
  #index = new DeadLetterIndex()
  #positions = new Map<number, bigint>()
  #topicId: string | null = null
  #counting: Promise<{ records: number; isExact: boolean }> | null = null

  constructor(kafka: DeadLetterKafka, project: string, stream: string, clock: Clock = systemClock) {
    this.#kafka = kafka
    this.#topic = names.deadLetters(project, stream)
    this.#clock = clock
  }

  /** `isExact` is false while it has not read to the end within `withinMs`: the next question goes on from there. */
  count({ withinMs }: { withinMs: number }): Promise<{ records: number; isExact: boolean }> {
    return (this.#counting ??= this.#fromTheStart(withinMs).finally(() => (this.#counting = null)))
  }

  /** Where records that were counted, or were to be, are no longer there, it counts anew. */
  async #fromTheStart(withinMs: number): Promise<{ records: number; isExact: boolean }> {
    try {
      return await this.#count(withinMs)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
      this.#forget()
      return this.#count(withinMs)
    }
  }

  async #count(withinMs: number): Promise<{ records: number; isExact: boolean }> {
    const deadlineMs = this.#clock.monotonicMs() + withinMs
    const { topicId, partitions } = await standingTopic(this.#kafka, this.#topic)
    // A topic that was made anew.
    if (topicId !== this.#topicId) this.#forget()
    this.#topicId = topicId
    const ends = await this.#kafka.admin.listOffsets(partitions, 'latest', { isolationLevel: 'read_committed' })
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
      throw error
    }
    // What came after the question is not read twice.
    const reached = this.#positions.get(partition) ?? 0n
    if (reached < end) this.#positions.set(partition, end)
    return true
  }

  #forget(): void {
    this.#index = new DeadLetterIndex()
    this.#positions = new Map()
  }
}
