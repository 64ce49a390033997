import type { Batch, Header } from '../../core/index.ts'
import { batchOf as batchAt, type StoredRecord } from '../record-batch.ts'

export type { StoredRecord } from '../record-batch.ts'

/** A record as tests write it: text or bytes; objects become JSON. */
export interface TestRecord {
  key: string | null
  value: unknown
  timestampMs: number
  headers?: Header[]
}

/** Undefined values become null (a tombstone), strings and bytes stay as they are. */
export function stored(record: TestRecord): StoredRecord {
  const { key, value, timestampMs, headers = [] } = record
  const bytes =
    value === undefined
      ? null
      : value instanceof Uint8Array
        ? value
        : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  return { key: key === null ? null : Buffer.from(key), value: bytes, timestampMs, headers }
}

/** Records in the columns of a Batch, offsets rising from `firstOffset`. */
export function batchOf(
  records: readonly StoredRecord[],
  {
    topic = 'users',
    partition = 0,
    firstOffset = 0n,
    highWatermark = firstOffset + BigInt(records.length),
  }: { topic?: string; partition?: number; firstOffset?: bigint; highWatermark?: bigint } = {},
): Batch {
  return batchAt(records, { topic, partition, leaderEpoch: 3, firstOffset, highWatermark })
}
