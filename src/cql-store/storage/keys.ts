import { encodeOrdered, escaped, unescaped, type OrderedAs } from './ordered-encoding.ts'

/**
 * Where a record stands in the store: `u32 table · i64 token (sign flipped) · partition key (escaped) · place`. The place is one
 * byte for the partition's deletions, its static row or the row of a table without clustering columns; else the clustering columns in
 * order, each behind a marker byte. Records sort as Cassandra returns rows: by token, then in clustering order.
 */
export const places = { deletions: 0x08, static: 0x10, onlyRow: 0x20 } as const

/** Below every row of a partition; above its deletions and its static row. */
export const firstRowPlace = 0x20

const marker = { belowAsc: 0x3f, value: 0x40, belowDesc: 0x41 } as const

/** LMDB's own limit is 1,978 bytes; keys of the commit log, the memtable and LMDB are the same. */
export const maxKeyBytes = 1_900

export interface ClusteringOrder {
  ordering: OrderedAs
  descending: boolean
}

const keyHeadBytes = 12

export function partitionPrefix(table: number, token: bigint, partitionKey: Uint8Array): Buffer {
  const key = escaped(partitionKey)
  const out = Buffer.allocUnsafe(keyHeadBytes + key.length)
  out.writeUInt32BE(table, 0)
  out.writeBigInt64BE(token, 4)
  out[4] = (out[4] ?? 0) ^ 0x80
  out.set(key, keyHeadBytes)
  return out
}

/** First key of a table's token, whatever the partition key. */
export function tokenBound(table: number, token: bigint): Buffer {
  const out = Buffer.alloc(keyHeadBytes)
  out.writeUInt32BE(table, 0)
  out.writeBigInt64BE(token, 4)
  out[4] = (out[4] ?? 0) ^ 0x80
  return out
}

export function tableStart(table: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(table, 0)
  return out
}

export function tableOfKey(key: Buffer): number {
  return key.readUInt32BE(0)
}

/** Splits a key: its partition's prefix (view), the partition key's bytes and the token. */
export function partitionOfKey(key: Buffer): { prefixLength: number; partitionKey: Uint8Array; token: bigint } {
  const { value, end } = unescaped(key, keyHeadBytes)
  return { prefixLength: end, partitionKey: value, token: BigInt.asIntN(64, key.readBigUInt64BE(4) ^ 0x8000_0000_0000_0000n) }
}

/** Length of the partition's prefix within a key, without decoding it. */
export function prefixLengthOf(key: Buffer): number {
  for (let at = keyHeadBytes; at < key.length; at += 2) {
    at = key.indexOf(0, at)
    if (at < 0) break
    if (key[at + 1] === 0) return at + 2
  }
  throw new RangeError('a key has no end of its partition key')
}

/** Clustering values (a prefix of the columns, or all of them) as they stand in keys. A value of no bytes sorts first, as in Cassandra. */
export function encodeClustering(orders: readonly ClusteringOrder[], values: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = []
  for (const [i, value] of values.entries()) {
    const order = orders[i]
    if (!order) throw new RangeError('more clustering values than columns')
    if (value.length === 0 && order.ordering !== 'bytes') {
      parts.push(Uint8Array.of(order.descending ? marker.belowDesc : marker.belowAsc))
      continue
    }
    const encoded = encodeOrdered(order.ordering, value)
    parts.push(Uint8Array.of(marker.value), order.descending ? inverted(encoded) : encoded)
  }
  return Buffer.concat(parts)
}

function inverted(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => ~byte)
}

/** The first key after all that begin with `prefix`: no component begins with FF. */
export function afterPrefix(prefix: Uint8Array): Buffer {
  return Buffer.concat([prefix, Uint8Array.of(0xff)])
}

export function withPlace(prefix: Uint8Array, place: number | Uint8Array): Buffer {
  return Buffer.concat([prefix, typeof place === 'number' ? Uint8Array.of(place) : place])
}
