import { murmur3Token, type CqlType } from '../../cql-wire/index.ts'
import type { Catalogue, Column, Table, TableIndex } from '../schema/index.ts'
import {
  afterPrefix,
  decodeRow,
  encodeOrdered,
  orderingOf,
  partitionOfKey,
  partitionPrefix,
  prefixLengthOf,
  RowWriter,
  tableOfKey,
  withPlace,
  type Cell,
  type Engine,
} from '../storage/index.ts'
import { splitPartitionKey } from './partition-key.ts'
import { collectionOf, elementsOf, fieldsOf } from './values.ts'

/**
 * An index is entries in the same store: `u32 index · i64 hash of the value · token and partition key of the row (escaped) · its place`, so
 * that those of one value stand in the order of their rows. An entry says that a row may hold the value: readers look at the row. Nothing
 * has to be read before a write; an entry whose row has changed is passed over, and goes when garbage is taken out.
 */

/** What an entry is of: a part of a row's cell, or a key column. */
interface Indexed {
  index: TableIndex
  column: Column
}

/** A cell as it was written. */
export interface WrittenCell {
  column: number
  path: Uint8Array | null
  value: Uint8Array
}

/** Remembers the values that are written through it. */
class RecordingRowWriter extends RowWriter {
  readonly written: WrittenCell[] = []

  override value(column: number, timestamp: bigint, ttl: number, expiresAt: number, value: Uint8Array): void {
    this.written.push({ column, path: null, value })
    super.value(column, timestamp, ttl, expiresAt, value)
  }

  override cell(cell: Cell): void {
    if (cell.kind === 'value') this.written.push(cell)
    super.cell(cell)
  }
}

/** A writer whose values {@link enterRow} enters; null for a table without indexes. */
export function recordingWriter(table: Table, engine: Engine): RecordingRowWriter | null {
  return table.indexes.length > 0 ? new RecordingRowWriter(engine.mutations) : null
}

/** Writes a row's entries. `clustering` is empty for the static row. */
export function enterRow(
  table: Table,
  key: Uint8Array,
  clustering: readonly Uint8Array[],
  cells: readonly WrittenCell[],
  engine: Engine,
  indexes: readonly TableIndex[] = table.indexes,
): void {
  const base = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  for (const index of indexes) {
    for (const hash of hashesOf(table, index, base, clustering, cells)) writeEntry(engine, entryKey(index, hash, base))
  }
}

/** Of the values of a row that an index enters. */
function hashesOf(
  table: Table,
  index: TableIndex,
  key: Buffer,
  clustering: readonly Uint8Array[],
  cells: readonly WrittenCell[],
): Set<bigint> {
  const column = table.byName.get(index.column)
  if (!column) return new Set()
  const types = partTypes(column.type, index)
  return new Set(partsOf(table, { index, column }, key, clustering, cells).map((parts) => hashOf(types, parts)))
}

/**
 * True for an index's entry whose row no longer holds the value, as far as the rows that are `stored` tell: neither to be seen nor shadowed or
 * expired, which goes first.
 */
export function isStaleEntry(catalogue: Catalogue, key: Buffer, stored: (key: Buffer) => Buffer | undefined): boolean {
  const found = catalogue.index(tableOfKey(key))
  if (!found) return false
  const { table, index } = found
  const base = rowOfEntry(table, key)
  const record = stored(base)
  if (!record) return true
  const { clustering, cells } = decodeRow(record)
  const hashes = hashesOf(table, index, base, clustering, cells.filter(({ kind }) => kind === 'value')) // prettier-ignore
  return ![...hashes].some((hash) => entryKey(index, hash, base).equals(key))
}

function partsOf(
  table: Table,
  { index, column }: Indexed,
  key: Buffer,
  clustering: readonly Uint8Array[],
  cells: readonly WrittenCell[],
): Uint8Array[][] {
  if (column.kind === 'partition_key') {
    const part = splitPartitionKey(table, partitionOfKey(key).partitionKey)[column.position]
    return part ? [[part]] : []
  }
  if (column.kind === 'clustering') {
    const value = clustering[column.position]
    return value ? [[value]] : []
  }
  const own = cells.filter((cell) => cell.column === column.id)
  return own.map(({ path, value }) => {
    if (index.kind === 'keys') return [path ?? value]
    if (index.kind === 'entries') return [path ?? value, value]
    return [index.kind === 'values' && column.type.is === 'set' ? (path ?? value) : value]
  })
}

/** Of what {@link partsOf} gives and a lookup wants. */
function partTypes(type: CqlType, { kind }: TableIndex): CqlType[] {
  if (kind === 'simple' || kind === 'full') return [type]
  if (type.is === 'map') return kind === 'keys' ? [type.key] : kind === 'values' ? [type.value] : [type.key, type.value]
  return type.is === 'list' || type.is === 'set' ? [type.of] : [type]
}

/** The same for values that their type holds for the same. */
function hashOf(types: readonly CqlType[], parts: readonly Uint8Array[]): bigint {
  return murmur3Token(Buffer.concat(parts.flatMap((part, i) => {
    const bytes = canonical(types[i] ?? { is: 'blob' }, part)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  }))) // prettier-ignore
}

/** One spelling of values that compare as equal: decimals of different scale do. */
function canonical(type: CqlType, value: Uint8Array): Uint8Array {
  if (value.length === 0) return value
  if (type.is === 'list' || type.is === 'set' || type.is === 'map') {
    const types = type.is === 'map' ? [type.key, type.value] : [type.of]
    return collectionOf(type, elementsOf(type, value).map((each, i) => canonical(types[i % types.length] ?? { is: 'blob' }, each))) // prettier-ignore
  }
  if (type.is === 'tuple')
    return Buffer.concat(fieldsOf(value).flatMap((field, i) => (field ? [Buffer.of(1), canonical(type.of[i] ?? { is: 'blob' }, field)] : [Buffer.of(0)]))) // prettier-ignore
  return encodeOrdered(orderingOf(type.is), value)
}

const tokenBytes = 8
const maxToken = 2n ** 63n - 1n
const headBytes = 12

/** Of the row under a table's key. */
function entryKey(index: TableIndex, hash: bigint, base: Buffer): Buffer {
  const prefixLength = prefixLengthOf(base)
  return withPlace(entryPrefix(index, hash, base), base.subarray(prefixLength))
}

/** Of all entries of a partition; `base` is its prefix, or any key in it. */
function entryPrefix(index: TableIndex, hash: bigint, base: Buffer): Buffer {
  const { partitionKey } = partitionOfKey(base)
  return partitionPrefix(index.number, hash, Buffer.concat([base.subarray(headBytes - tokenBytes, headBytes), partitionKey]))
}

/** An entry says all with its key: the record is that of a row of no cells. */
function writeEntry(engine: Engine, key: Buffer): void {
  engine.mutations.beginRecord(key)
  const rows = new RowWriter(engine.mutations)
  rows.begin({ timestamp: 0n, ttl: 0, expiresAt: 0 }, null, [])
  rows.end()
  engine.mutations.endRecord()
}

/** What is looked up in an index. */
export interface Lookup {
  index: TableIndex
  hash: bigint
}

export function lookupOf(index: TableIndex, type: CqlType, parts: readonly Uint8Array[]): Lookup {
  return { index, hash: hashOf(partTypes(type, index), parts) }
}

/** Where the entries of a value stand, those of rows from one token to another, both included. */
export function entryRange({ index, hash }: Lookup, tokens: { first: bigint; last: bigint }): { start: Buffer; end: Buffer } {
  const head = partitionPrefix(index.number, hash, Buffer.alloc(0)).subarray(0, headBytes)
  const from = Buffer.concat([head, escapedToken(tokens.first)])
  // A partition key may begin with any bytes: the end is before the next token, not behind some key of this one.
  const to = tokens.last === maxToken ? following(head) : Buffer.concat([head, escapedToken(tokens.last + 1n)])
  return { start: from, end: to }
}

/** The first key after all that begin with `head`, in which some byte is less than FF. */
function following(head: Buffer): Buffer {
  const last = head.findLastIndex((byte) => byte < 0xff)
  return Buffer.concat([head.subarray(0, last), Buffer.of((head[last] ?? 0) + 1)])
}

/** As the first bytes of an entry's escaped partition key. */
function escapedToken(token: bigint): Buffer {
  const bytes = Buffer.alloc(tokenBytes)
  bytes.writeBigInt64BE(token)
  bytes[0] = (bytes[0] ?? 0) ^ 0x80
  return Buffer.from([...bytes].flatMap((byte) => (byte === 0 ? [0, 0xff] : [byte])))
}

/** The key of the row that an entry is of. */
export function rowOfEntry(table: Table, entry: Buffer): Buffer {
  const { partitionKey, prefixLength } = partitionOfKey(entry)
  const view = Buffer.from(partitionKey.buffer, partitionKey.byteOffset, partitionKey.byteLength)
  const token = BigInt.asIntN(64, view.readBigUInt64BE(0) ^ 0x8000_0000_0000_0000n)
  return withPlace(partitionPrefix(table.number, token, view.subarray(tokenBytes)), entry.subarray(prefixLength))
}

/** Where entries go on after that of a row, and after all of its partition. */
export function afterEntry({ index, hash }: Lookup, base: Buffer): { row: Buffer; partition: Buffer } {
  return {
    row: Buffer.concat([entryKey(index, hash, base), Buffer.of(0)]),
    partition: afterPrefix(entryPrefix(index, hash, base)),
  }
}

/** The entry that stands for a partition's static row. */
export function staticEntry({ index, hash }: Lookup, base: Buffer, place: number): Buffer {
  return withPlace(entryPrefix(index, hash, base), place)
}
