import { MillraceError } from '../platform/index.ts'
import type { AbortedTransaction } from './aborted-transactions.ts'
import type { TopicPartition } from './options.ts'

export interface Buffered {
  /** The position it was fetched for. */
  offset: bigint
  /** The leader's when it was asked. */
  leaderEpoch: number
  records: Uint8Array
  /** Those whose records may be among them; none when uncommitted records are wanted. */
  aborted: readonly AbortedTransaction[]
}

/** One partition being read. */
export interface FetchPartition extends TopicPartition {
  /** Of the topic when the reading began; a topic of the same name with another id is another topic. */
  topicId: string
  /** The next record that `poll` gives out. */
  position: bigint
  /** Leader epoch of the last record before the position; −1 unknown. */
  positionEpoch: number
  /** The leader epoch for which the position was found to be in the log (KIP-320). */
  validatedEpoch: number
  /** The end that may be read to: with read_committed the last stable offset. −1 until the first answer. */
  highWatermark: bigint
  paused: boolean
  buffered: Buffered | null
  /** Told to the caller at every `poll` until it seeks or the partition is given up. */
  failure: MillraceError | null
  retryAtMs: number
  attempts: number
}

export function fetchPartition(from: TopicPartition & { topicId: string; position: bigint; positionEpoch: number }): FetchPartition {
  return {
    topic: from.topic,
    partition: from.partition,
    topicId: from.topicId,
    position: from.position,
    positionEpoch: from.positionEpoch,
    validatedEpoch: -1,
    highWatermark: -1n,
    paused: false,
    buffered: null,
    failure: null,
    retryAtMs: 0,
    attempts: 0,
  }
}

export function outOfRange(state: FetchPartition, logStartOffset: bigint, why: string): MillraceError {
  const { topic, partition, position } = state
  return new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `Offset ${position} of ${topic}-${partition} is not in the log: ${why}. Choose where to go on.`,
    {
      details: { topic, partition, offset: String(position), logStartOffset: String(logStartOffset) },
    },
  )
}
