import type { Batch, Header } from '../../core/index.ts'

/** A record as tests write it: text or bytes; objects become JSON. */
export interface TestRecord {
  key: string | null
  value: unknown
  timestampMs: number
  headers?: Header[]
}

export interface StoredRecord {
  key: Uint8Array | null
  value: Uint8Array | null
  timestampMs: number
  headers: Header[]
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
    highWatermark,
  }: { topic?: string; partition?: number; firstOffset?: bigint; highWatermark?: bigint } = {},
): Batch {
  const keyAt = new Int32Array(2 * records.length)
  const valueAt = new Int32Array(2 * records.length)
  const chunks: Uint8Array[] = []
  let end = 0
  const place = (at: Int32Array, i: number, bytes: Uint8Array | null): void => {
    at[2 * i] = bytes ? end : -1
    end += bytes?.byteLength ?? 0
    at[2 * i + 1] = bytes ? end : -1
    if (bytes) chunks.push(bytes)
  }
  for (const [i, { key, value }] of records.entries()) {
    place(keyAt, i, key)
    place(valueAt, i, value)
  }
  return {
    topic,
    partition,
    leaderEpoch: 3,
    bytes: Buffer.concat(chunks),
    count: records.length,
    keyAt,
    valueAt,
    offsets: BigInt64Array.from(records, (_, i) => firstOffset + BigInt(i)),
    timestampMs: Float64Array.from(records, ({ timestampMs }) => timestampMs),
    writeMicros: new BigInt64Array(records.length),
    headers: (i) => records[i]?.headers ?? [],
    nextOffset: firstOffset + BigInt(records.length),
    highWatermark: highWatermark ?? firstOffset + BigInt(records.length),
  }
}
