import type { Batch } from '../core/index.ts'
import { MillraceError, systemClock, type Clock } from '../platform/index.ts'
import type { TopicPartition } from './kafka-ports.ts'
import { readPartition, standingTopic, type DeadLetterKafka } from './read-dead-letters.ts'

export interface FollowerOptions {
  kafka: DeadLetterKafka
  topic: string
  onBatch: (batch: Batch) => void
  /** All that was read counts no more: the topic is read from its start again. */
  onForget: () => void
  clock?: Clock
}

/**
 * Reads a dead-letter topic once, and from one question to the next only what is new; all of it anew when it is another topic of that name,
 * or what was read of it is there no more: removed from its start, or cut off at its end. One question at a time.
 */
export class DeadLetterFollower {
  readonly #options: FollowerOptions
  readonly #clock: Clock
  #topicId: string | null = null
  /** By partition: where it began when it was first read, and the first offset not read yet. */
  #read = new Map<number, { start: bigint; position: bigint }>()

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Reads on to where each partition ends now, then has the question answered. `isExact` is false when it has not come so far within `withinMs`:
   * the next question goes on from there. What is gone while it is read or answered is no error: both begin anew, once.
   */
  async follow<T>({ withinMs = Infinity }: { withinMs?: number }, answer: (isExact: boolean) => T | Promise<T>): Promise<T> {
    try {
      return await answer(await this.#readOn(withinMs))
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
      this.forget()
      return await answer(await this.#readOn(withinMs))
    }
  }

  forget(): void {
    this.#read = new Map()
    this.#options.onForget()
  }

  async #readOn(withinMs: number): Promise<boolean> {
    const { kafka, topic } = this.#options
    const deadlineMs = this.#clock.monotonicMs() + withinMs
    const { topicId, partitions } = await standingTopic(kafka, topic)
    const [starts, ends] = await Promise.all([
      kafka.admin.listOffsets(partitions, 'earliest', { isolationLevel: 'read_committed' }),
      kafka.admin.listOffsets(partitions, 'latest', { isolationLevel: 'read_committed' }),
    ])
    if (topicId !== this.#topicId || this.#isCut(starts, ends)) this.forget()
    this.#topicId = topicId
    for (const { partition, offset } of starts)
      if (!this.#read.has(partition)) this.#read.set(partition, { start: offset, position: offset })
    let isExact = true
    for (const { partition, offset } of ends) isExact = (await this.#readTo(partition, offset, deadlineMs)) && isExact
    return isExact
  }

  #isCut(starts: Offsets, ends: Offsets): boolean {
    return (
      starts.some(({ partition, offset }) => offset !== (this.#read.get(partition)?.start ?? offset)) ||
      ends.some(({ partition, offset }) => offset < (this.#read.get(partition)?.position ?? offset))
    )
  }

  async #readTo(partition: number, end: bigint, deadlineMs: number): Promise<boolean> {
    const { kafka, topic, onBatch } = this.#options
    const read = this.#read.get(partition)
    if (read === undefined || read.position >= end) return true
    const enough = new AbortController()
    try {
      await readPartition(
        kafka,
        { topic, partition, from: { offset: read.position }, end },
        (batch) => {
          onBatch(batch)
          read.position = batch.nextOffset
          if (this.#clock.monotonicMs() > deadlineMs && batch.nextOffset < end)
            enough.abort(new MillraceError('CANCELLED', 'read for long enough'))
        },
        enough.signal,
      )
    } catch (error) {
      if (enough.signal.aborted) return false
      throw error
    }
    // Markers of transactions stand there, and no batch ends with them. What came after the question is not read twice.
    if (read.position < end) read.position = end
    return true
  }
}

type Offsets = readonly (TopicPartition & { offset: bigint })[]
