import type { Table } from '../schema/index.ts'
import { afterPrefix, firstRowPlace, isRowLive, partitionOfKey, places, prefixLengthOf, withPlace, type Engine } from '../storage/index.ts'
import { afterEntry, entryRange, rowOfEntry, staticEntry, type Lookup } from './index-entries.ts'
import { splitPartitionKey } from './partition-key.ts'
import { scanSegment, type ScannedRow, type Segment } from './scan.ts'
import { readHead, visibleRow, type PartitionHead } from './table-row.ts'

/** Entries read from the store at once. */
const chunkEntries = 200

export interface IndexedRead extends Lookup {
  tokens: { first: bigint; last: bigint }
  /** A partition without live rows is shown for its static cells. */
  showsStaticOnly: boolean
}

/** True once its entries are being removed: nothing that was not found in it is told by that. */
export function isDropped({ index }: Lookup): boolean {
  return !index.progress.isBuilt
}

interface OpenPartition {
  prefix: Buffer
  values: readonly Uint8Array[]
  token: bigint
  head: PartitionHead
}

/**
 * Rows that an index names for a value, live and in the table's order; whether they hold it the caller has to look at. `after` is the key of
 * the last row seen before. Ends early when the index is dropped: see `isDropped`.
 */
export async function* scanIndex(
  engine: Engine,
  table: Table,
  read: IndexedRead,
  after: Buffer | null,
  nowSeconds: () => number,
): AsyncGenerator<ScannedRow[]> {
  const range = entryRange(read, read.tokens)
  let { start } = range
  if (after) {
    const prefix = after.subarray(0, prefixLengthOf(after))
    const isWhole = table.clustering.length > 0 && engine.get(staticEntry(read, prefix, places.static)) !== null
    if (isWhole) yield* scanSegment(engine, table, partitionSegment(prefix, read.showsStaticOnly), false, after, nowSeconds)
    const next = afterEntry(read, after)
    start = isWhole ? next.partition : next.row
  }
  while (Buffer.compare(start, range.end) < 0 && !isDropped(read)) {
    const entries = engine.range(start, range.end, false, chunkEntries)
    const last = entries.at(-1)
    if (!last) return
    start = Buffer.concat([last.key, Buffer.of(0)])
    // What others write between two chunks may change a partition's head.
    let open: OpenPartition | null = null
    let rows: ScannedRow[] = []
    let passed: Buffer | null = null
    for (const entry of entries) {
      const key = rowOfEntry(table, entry.key)
      const prefixLength = prefixLengthOf(key)
      const [prefix, place] = [key.subarray(0, prefixLength), key.subarray(prefixLength)]
      if (passed?.equals(prefix)) continue
      if (!open?.prefix.equals(prefix)) open = partitionAt(engine, table, prefix)
      if (table.clustering.length > 0 && place.length === 1 && place[0] === places.static) {
        // The entry of the static row stands for all rows of its partition.
        if (rows.length > 0) yield rows
        rows = []
        passed = open.prefix
        yield* scanSegment(engine, table, partitionSegment(open.prefix, read.showsStaticOnly), false, null, nowSeconds)
        start = later(start, afterEntry(read, key).partition)
        continue
      }
      const record = engine.get(key)
      const row = record && visibleRow(table, record, place, open.head.deletions)
      if (row && isRowLive(row, nowSeconds()))
        rows.push({ partition: open.values, token: open.token, row, statics: open.head.statics, key })
    }
    if (rows.length > 0) yield rows
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function later(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) >= 0 ? a : b
}

function partitionAt(engine: Engine, table: Table, prefix: Buffer): OpenPartition {
  const { partitionKey, token } = partitionOfKey(prefix)
  return { prefix, values: splitPartitionKey(table, partitionKey), token, head: readHead(engine, table, prefix) }
}

function partitionSegment(partition: Buffer, showsStaticOnly: boolean): Segment {
  return { start: withPlace(partition, firstRowPlace), end: afterPrefix(partition), partition, showsStaticOnly }
}
