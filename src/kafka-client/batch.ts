/** A header of a record; `value` is a view on the batch's bytes, or null. */
export interface RecordHeader {
  key: string
  value: Uint8Array | null
}

/**
 * Records of one partition as columns, in offset order: row `i` has `offsets[i]`, its key is
 * `bytes.subarray(keyAt[2 * i], keyAt[2 * i + 1])`. No object exists per record; the original bytes stay reachable (P5).
 * The same shape as `Batch` of `core`, declared here because this room stands below it.
 */
export interface Batch {
  topic: string
  partition: number
  /** Of the record batch these records came in; commit it together with the offset. */
  leaderEpoch: number
  /** Uncompressed records section; the columns point into it. */
  bytes: Uint8Array
  count: number
  /** Pairs start, end into `bytes`; start −1 = null. */
  keyAt: Int32Array
  valueAt: Int32Array
  offsets: BigInt64Array
  /** Milliseconds since 1970; −1 = none. */
  timestampMs: Float64Array
  /** Zeros here; streams fills it (P2). */
  writeMicros: BigInt64Array
  headers(i: number): RecordHeader[]
  /** Where the next fetch begins: past control records and records that compaction removed. */
  nextOffset: bigint
  /** The partition's end as the broker said with these records; with `read_committed` the last stable offset. */
  highWatermark: bigint
}
