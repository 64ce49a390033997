/** A record header as Kafka has it: a name that may repeat, and bytes or null. */
export interface Header {
  key: string
  value: Uint8Array | null
}

/**
 * A batch of consecutive records of one partition, as columns; what flows from fetch to sink. Original bytes stay
 * reachable, so that a dead letter carries exactly what was read (P5). Arrays are at least `count` long.
 */
export interface Batch {
  topic: string
  partition: number
  /** Leader epoch the records were appended under (KIP-320); −1 unknown. */
  leaderEpoch: number
  bytes: Uint8Array
  count: number
  /** Pairs `start, end` into `bytes`; start −1 means null. */
  keyAt: Int32Array
  valueAt: Int32Array
  offsets: BigInt64Array
  /** Record times, ms since 1970; −1 when the producer gave none. */
  timestampMs: Float64Array
  /** P2's write time of each record, µs since 1970; zeros until the stream sets them. */
  writeMicros: BigInt64Array
  headers(i: number): Header[]
  /** Offset after the last record read, past control and compacted records: what a commit names. */
  nextOffset: bigint
  highWatermark: bigint
}

/** The bytes of a record's key or value, null when it has none. A view, valid as long as the batch. */
export function bytesAt(batch: Batch, at: Int32Array, i: number): Uint8Array | null {
  const start = at[2 * i] ?? -1
  return start < 0 ? null : batch.bytes.subarray(start, at[2 * i + 1])
}

/** FNV-1a of a record's key bytes, unsigned; the same for all records without one. */
export function keyHash(batch: Batch, i: number): number {
  const end = batch.keyAt[2 * i + 1] ?? 0
  let hash = 0x811c9dc5
  for (let at = batch.keyAt[2 * i] ?? end; at >= 0 && at < end; at++) hash = Math.imul(hash ^ (batch.bytes[at] ?? 0), 0x01000193)
  return hash >>> 0
}
