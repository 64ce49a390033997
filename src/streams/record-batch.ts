import type { Batch, Header } from '../core/index.ts'

/** A record as it lies in a topic. */
export interface StoredRecord {
  key: Uint8Array | null
  value: Uint8Array | null
  timestampMs: number
  headers: readonly Header[]
}

/** Where the records of a batch lie. */
export interface BatchPlace {
  topic: string
  partition: number
  leaderEpoch: number
  firstOffset: bigint
  highWatermark: bigint
}

/** Records in the columns of a batch, as a fetch would give them: offsets rise from `firstOffset`. */
export function batchOf(records: readonly StoredRecord[], place: BatchPlace): Batch {
  const { topic, partition, leaderEpoch, firstOffset, highWatermark } = place
  const keyAt = new Int32Array(2 * records.length)
  const valueAt = new Int32Array(2 * records.length)
  const chunks: Uint8Array[] = []
  let end = 0
  const put = (at: Int32Array, i: number, bytes: Uint8Array | null): void => {
    at[2 * i] = bytes ? end : -1
    end += bytes?.byteLength ?? 0
    at[2 * i + 1] = bytes ? end : -1
    if (bytes) chunks.push(bytes)
  }
  for (const [i, { key, value }] of records.entries()) {
    put(keyAt, i, key)
    put(valueAt, i, value)
  }
  return {
    topic,
    partition,
    leaderEpoch,
    bytes: Buffer.concat(chunks),
    count: records.length,
    keyAt,
    valueAt,
    offsets: BigInt64Array.from(records, (_, i) => firstOffset + BigInt(i)),
    timestampMs: Float64Array.from(records, ({ timestampMs }) => timestampMs),
    writeMicros: new BigInt64Array(records.length),
    headers: (i) => [...(records[i]?.headers ?? [])],
    nextOffset: firstOffset + BigInt(records.length),
    highWatermark,
  }
}
