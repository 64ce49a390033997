import type { Table } from '../schema/index.ts'
import {
  afterPrefix,
  isRowLive,
  isSurelyLive,
  partitionOfKey,
  places,
  prefixLengthOf,
  decodeDeletions,
  decodeRow,
  type Engine,
  type Row,
  type StoredRecord,
} from '../storage/index.ts'
import { splitPartitionKey } from './partition-key.ts'
import { readHead, visibleRow, visibleStatics, type PartitionHead, type TableRow } from './table-row.ts'

/** Records read from the store at once; between two such reads others get their turn. */
const chunkRecords = 500

/** A part of the store to be read in order: rows of one partition, or of all from one token to another. */
export interface Segment {
  start: Buffer
  end: Buffer
  /** Prefix of the one partition it lies in, or null. */
  partition: Buffer | null
  /** A partition without live rows is shown for its static cells. */
  showsStaticOnly: boolean
}

export interface ScannedRow extends TableRow {
  /** Where a later page goes on: after this key. */
  key: Buffer
  /** Of a row that is there as it is stored, nothing deleted of it. */
  record?: Buffer
}

/** A row that is decoded when somebody looks into it. */
class StoredRow implements ScannedRow {
  readonly partition: readonly Uint8Array[]
  readonly token: bigint
  readonly statics: Row | null
  readonly key: Buffer
  readonly record: Buffer
  #row: Row | null = null

  constructor({ values, token, head }: Partition, key: Buffer, record: Buffer) {
    this.partition = values
    this.token = token
    this.statics = head.statics
    this.key = key
    this.record = record
  }

  get row(): Row {
    return (this.#row ??= decodeRow(this.record))
  }
}

interface Partition {
  prefix: Buffer
  values: readonly Uint8Array[]
  token: bigint
  head: PartitionHead
  hadRows: boolean
}

/**
 * Live rows of a segment, in chunks; `after` is the key of the last row seen before. Each chunk is read at once, so that a row is whole;
 * between chunks writes may happen.
 */
export async function* scanSegment(
  engine: Engine,
  table: Table,
  segment: Segment,
  reverse: boolean,
  after: Buffer | null,
  nowSeconds: () => number,
): AsyncGenerator<ScannedRow[]> {
  const reader = new SegmentReader(engine, table, segment, nowSeconds)
  let { start, end } = segment
  if (after) {
    reader.resume(after)
    if (reverse) end = after
    else start = Buffer.concat([after, Uint8Array.of(0)])
  } else if (segment.partition) reader.enter(segment.partition)
  for (;;) {
    if (Buffer.compare(start, end) >= 0) break
    const records = engine.range(start, end, reverse, chunkRecords)
    const rows = reader.read(records)
    const last = records.at(-1)
    if (rows.length > 0) yield rows
    if (!last || records.length < chunkRecords) break
    if (reverse) end = last.key
    else start = Buffer.concat([last.key, Uint8Array.of(0)])
    await new Promise((resolve) => setImmediate(resolve))
  }
  const rest = reader.finish()
  if (rest.length > 0) yield rest
}

class SegmentReader {
  readonly #engine: Engine
  readonly #table: Table
  readonly #segment: Segment
  readonly #nowSeconds: () => number
  #partition: Partition | null = null

  constructor(engine: Engine, table: Table, segment: Segment, nowSeconds: () => number) {
    this.#engine = engine
    this.#table = table
    this.#segment = segment
    this.#nowSeconds = nowSeconds
  }

  /** Begins with a partition whose first records are not in the segment. */
  enter(prefix: Buffer): void {
    const { partitionKey, token } = partitionOfKey(prefix)
    this.#partition = {
      prefix,
      values: splitPartitionKey(this.#table, partitionKey),
      token,
      head: readHead(this.#engine, this.#table, prefix),
      hadRows: false,
    }
  }

  /** Goes on after a row of an earlier page. */
  resume(after: Buffer): void {
    this.enter(after.subarray(0, prefixLengthOf(after)))
    if (this.#partition) this.#partition.hadRows = true
  }

  read(records: readonly StoredRecord[]): ScannedRow[] {
    const rows: ScannedRow[] = []
    const now = this.#nowSeconds()
    const clustered = this.#table.clustering.length > 0
    // Cells of columns that came back are looked at one by one.
    const isWhole = this.#table.returned === null
    for (const { key, record } of records) {
      const partition = this.#partitionOf(key, rows)
      const place = key.subarray(partition.prefix.length)
      if (clustered && place.length === 1) {
        // Heads stand before the rows of their partition, and are read here only when a scan comes by them.
        if (place[0] === places.deletions) partition.head = { ...partition.head, deletions: decodeDeletions(record) }
        else if (place[0] === places.static)
          partition.head = { ...partition.head, statics: visibleStatics(this.#table, record, partition.head.deletions) }
        continue
      }
      if (isWhole && !partition.head.deletions && isSurelyLive(record)) {
        partition.hadRows = true
        rows.push(new StoredRow(partition, key, record))
        continue
      }
      const row = visibleRow(this.#table, record, place, partition.head.deletions)
      if (!isRowLive(row, now)) continue
      partition.hadRows = true
      rows.push({ partition: partition.values, token: partition.token, row, statics: partition.head.statics, key })
    }
    return rows
  }

  /** The last partition's static cells, if it had nothing else. */
  finish(): ScannedRow[] {
    const rows: ScannedRow[] = []
    this.#leave(rows)
    return rows
  }

  #partitionOf(key: Buffer, rows: ScannedRow[]): Partition {
    const known = this.#partition
    if (known && key.length > known.prefix.length && key.compare(known.prefix, 0, known.prefix.length, 0, known.prefix.length) === 0)
      return known
    this.#leave(rows)
    const { prefixLength, partitionKey, token } = partitionOfKey(key)
    const partition: Partition = {
      prefix: key.subarray(0, prefixLength),
      values: splitPartitionKey(this.#table, partitionKey),
      token,
      head: { deletions: null, statics: null },
      hadRows: false,
    }
    this.#partition = partition
    return partition
  }

  #leave(rows: ScannedRow[]): void {
    const partition = this.#partition
    this.#partition = null
    if (!partition || partition.hadRows || !this.#segment.showsStaticOnly) return
    const { statics } = partition.head
    if (!statics || !isRowLive(statics, this.#nowSeconds())) return
    rows.push({ partition: partition.values, token: partition.token, row: null, statics, key: afterPrefix(partition.prefix) })
  }
}
