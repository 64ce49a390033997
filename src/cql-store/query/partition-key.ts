import type { Table } from '../schema/index.ts'

/** The columns' values of a serialised partition key (the reverse of `compositeKey`). */
export function splitPartitionKey(table: Table, key: Uint8Array): Uint8Array[] {
  if (table.partitionKey.length === 1) return [key]
  const parts: Uint8Array[] = []
  for (let at = 0; at < key.length;) {
    const length = ((key[at] ?? 0) << 8) | (key[at + 1] ?? 0)
    parts.push(key.subarray(at + 2, at + 2 + length))
    at += length + 3
  }
  return parts
}
