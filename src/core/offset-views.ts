import type { Json } from './json.ts'

/** Where a stream is in its topic. Offsets are text: they may be beyond 2^53. */
export interface StreamOffsetsView {
  stream: string
  topic: string
  group: string
  partitions: {
    partition: number
    /** Null: none was committed yet. */
    committed: string | null
    earliest: string
    /** The end of what is committed in the topic. */
    latest: string
  }[]
}

/** What setting the offsets of a stream would do, or has done. */
export interface ResetView {
  stream: string
  topic: string
  group: string
  /** As it was asked for: earliest, latest, an offset, a time. */
  to: string
  partitions: OffsetMove[]
  /** Records that are read again, and records that this stream never reads. */
  again: number
  skipped: number
  /** False while some are counted by their offsets, which markers of transactions take too. */
  isExact: boolean
}

export interface OffsetMove {
  partition: number
  /** Null: none was committed yet. */
  from: string | null
  to: string
  again: number
  skipped: number
  /** What is remarkable: the offset that was asked for is not in the log, say. */
  note: string | null
}

/** Where a source goes on, and who wrote that. */
export interface SourceCursorView {
  source: string
  cursor: Json
  /** Whose run wrote it; '' where that is not known. */
  dag: string
  run: string
  attempt: number
  /** Records that all pages up to here held. */
  fetched: number
  /** ISO 8601 UTC. */
  at: string
}
