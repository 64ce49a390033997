import { Malformed, type ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { consistencies } from './constants.ts'
import type { BatchRequest, BatchStatement, BoundValue, QueryParameters } from './request.ts'

const VALUES = 0x01
const SKIP_METADATA = 0x02
const PAGE_SIZE = 0x04
const PAGING_STATE = 0x08
const SERIAL = 0x10
const TIMESTAMP = 0x20
const NAMES = 0x40
const KEYSPACE = 0x80
const NOW = 0x100

const batchTypes = ['logged', 'unlogged', 'counter'] as const

export function readParameters(from: ByteReader, version: number): QueryParameters {
  const consistency = readConsistency(from)
  const flags = readFlags(from, version)
  let names: string[] | null = null
  const values: BoundValue[] = []
  if ((flags & VALUES) !== 0) {
    const named = (flags & NAMES) !== 0
    names = named ? [] : null
    const count = from.count(from.short('the values'), named ? 6 : 4, 'values')
    for (let i = 0; i < count; i++) {
      names?.push(from.string('a name'))
      values.push(from.value(version))
    }
  }
  return {
    consistency,
    values,
    names,
    skipMetadata: (flags & SKIP_METADATA) !== 0,
    pageSize: (flags & PAGE_SIZE) !== 0 ? readPageSize(from) : null,
    pagingState: (flags & PAGING_STATE) !== 0 ? from.longBytes('the paging state') : null,
    ...readTail(from, version, flags),
  }
}

export function writeParameters(out: ByteWriter, version: number, p: QueryParameters): void {
  out.short(p.consistency)
  const flags =
    (p.values.length > 0 ? VALUES : 0) |
    (p.skipMetadata ? SKIP_METADATA : 0) |
    (p.pageSize === null ? 0 : PAGE_SIZE) |
    (p.pagingState ? PAGING_STATE : 0) |
    (p.names && p.values.length > 0 ? NAMES : 0)
  writeFlags(out, version, flags | tailFlags(version, p))
  if (p.values.length > 0) {
    out.short(p.values.length)
    p.values.forEach((value, i) => {
      if (p.names) out.string(p.names[i] ?? '')
      out.value(value)
    })
  }
  if (p.pageSize !== null) out.int(p.pageSize)
  if (p.pagingState) out.longBytes(p.pagingState)
  writeTail(out, version, p)
}

export function readBatch(from: ByteReader, version: number): BatchRequest {
  const kind = from.byte('the batch type')
  const type = batchTypes[kind]
  if (!type) throw new Malformed(`Invalid BATCH type ${kind}`)
  const count = from.count(from.short('the statements'), 5, 'statements')
  const statements: BatchStatement[] = []
  for (let i = 0; i < count; i++) statements.push(readStatement(from, version))
  const consistency = readConsistency(from)
  const flags = readFlags(from, version)
  // The names of a batch stand before the flag that announces them (CASSANDRA-10246): no server can read them.
  if ((flags & NAMES) !== 0) throw new Malformed('Named values are not possible in a BATCH')
  return { opcode: 'BATCH', type, statements, consistency, ...readTail(from, version, flags) }
}

function readStatement(from: ByteReader, version: number): BatchStatement {
  const kind = from.byte('a statement kind')
  if (kind > 1) throw new Malformed(`Invalid query kind in BATCH messages. Must be 0 or 1 but got ${kind}`)
  const query = kind === 0 ? from.longString('a query') : null
  const preparedId = query === null ? from.shortBytes('a prepared id') : null
  const count = from.count(from.short('the values'), 4, 'values')
  const values: BoundValue[] = []
  for (let i = 0; i < count; i++) values.push(from.value(version))
  return preparedId === null ? { query: query ?? '', values } : { preparedId, values }
}

export function writeBatch(out: ByteWriter, version: number, batch: BatchRequest): void {
  out.byte(batchTypes.indexOf(batch.type))
  out.short(batch.statements.length)
  for (const statement of batch.statements) {
    if ('query' in statement) {
      out.byte(0)
      out.longString(statement.query)
    } else {
      out.byte(1)
      out.shortBytes(statement.preparedId)
    }
    out.short(statement.values.length)
    for (const value of statement.values) out.value(value)
  }
  out.short(batch.consistency)
  writeFlags(out, version, tailFlags(version, batch))
  writeTail(out, version, batch)
}

type Tail = Pick<QueryParameters, 'serialConsistency' | 'timestampMicros' | 'keyspace' | 'nowInSeconds'>

const highestConsistency = Math.max(...Object.values(consistencies))

function readConsistency(from: ByteReader): number {
  const code = from.short('the consistency')
  if (code > highestConsistency) throw new Malformed(`Unknown code ${code} for a consistency level`)
  return code
}

/** Less than none: no pages. */
function readPageSize(from: ByteReader): number {
  const size = from.int('the page size')
  if (size === 0) throw new Malformed('A page size of 0 is none')
  return size
}

/** The least number stands for "no timestamp" in Cassandra. */
function readTimestamp(from: ByteReader): bigint {
  const micros = from.long('the timestamp')
  if (micros === -(2n ** 63n)) throw new Malformed(`Out of bound timestamp ${micros}: it must be greater`)
  return micros
}

function readFlags(from: ByteReader, version: number): number {
  return version >= 5 ? from.int('the flags') : from.byte('the flags')
}

function writeFlags(out: ByteWriter, version: number, flags: number): void {
  if (version >= 5) out.int(flags)
  else out.byte(flags)
}

function readTail(from: ByteReader, version: number, flags: number): Tail {
  const tail: Tail = {
    serialConsistency: (flags & SERIAL) !== 0 ? readConsistency(from) : null,
    timestampMicros: (flags & TIMESTAMP) !== 0 ? readTimestamp(from) : null,
  }
  if (version >= 5 && (flags & KEYSPACE) !== 0) tail.keyspace = from.string('the keyspace')
  if (version >= 5 && (flags & NOW) !== 0) tail.nowInSeconds = from.int('the time')
  return tail
}

function tailFlags(version: number, tail: Tail): number {
  return (
    (tail.serialConsistency === null ? 0 : SERIAL) |
    (tail.timestampMicros === null ? 0 : TIMESTAMP) |
    (version >= 5 && tail.keyspace !== undefined ? KEYSPACE : 0) |
    (version >= 5 && tail.nowInSeconds !== undefined ? NOW : 0)
  )
}

function writeTail(out: ByteWriter, version: number, tail: Tail): void {
  if (tail.serialConsistency !== null) out.short(tail.serialConsistency)
  if (tail.timestampMicros !== null) out.long(tail.timestampMicros)
  if (version >= 5 && tail.keyspace !== undefined) out.string(tail.keyspace)
  if (version >= 5 && tail.nowInSeconds !== undefined) out.int(tail.nowInSeconds)
}
