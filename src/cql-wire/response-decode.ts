import { ByteReader, Malformed } from './byte-reader.ts'
import { errors, frameFlags, opcodes } from './constants.ts'
import { formatInet } from './inet.ts'
import type {
  ColumnSpec,
  ErrorResponse,
  EventResponse,
  PreparedResult,
  Response,
  ResultResponse,
  RowsResult,
  SchemaChange,
} from './response.ts'
import { readType } from './type-option.ts'

export type DecodedResponse =
  { ok: true; response: Response; warnings: string[]; tracingId: Uint8Array | null } | { ok: false; reason: string }

/** Decodes the body of a response of protocol `version` 3 to 5. Never throws. Byte values are views into `body`. */
export function decodeResponse(version: number, opcode: number, body: Uint8Array, flags = 0): DecodedResponse {
  if ((flags & frameFlags.COMPRESSED) !== 0) return { ok: false, reason: 'the frame is compressed, which was not agreed' }
  const from = new ByteReader(body)
  try {
    const tracingId = (flags & frameFlags.TRACING) !== 0 ? from.raw(16, 'the tracing id') : null
    const warnings = (flags & frameFlags.WARNING) !== 0 ? from.stringList('the warnings') : []
    if ((flags & frameFlags.CUSTOM_PAYLOAD) !== 0) from.skipBytesMap()
    return { ok: true, response: readResponse(from, version, opcode), warnings, tracingId }
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message }
    throw error
  }
}

function readResponse(from: ByteReader, version: number, opcode: number): Response {
  switch (opcode) {
    case opcodes.ERROR:
      return readError(from, version)
    case opcodes.READY:
      return { opcode: 'READY' }
    case opcodes.AUTHENTICATE:
      return { opcode: 'AUTHENTICATE', className: from.string('the authenticator') }
    case opcodes.SUPPORTED:
      return { opcode: 'SUPPORTED', options: from.stringMultimap('the options') }
    case opcodes.RESULT:
      return readResult(from, version)
    case opcodes.EVENT:
      return readEvent(from)
    case opcodes.AUTH_CHALLENGE:
      return { opcode: 'AUTH_CHALLENGE', token: from.longBytes('the token') }
    case opcodes.AUTH_SUCCESS:
      return { opcode: 'AUTH_SUCCESS', token: from.longBytes('the token') }
    default:
      throw new Malformed(`opcode 0x${opcode.toString(16).padStart(2, '0')} is not a response`)
  }
}

function readError(from: ByteReader, version: number): ErrorResponse {
  const code = from.int('the error code')
  const error: ErrorResponse = { opcode: 'ERROR', code, message: from.string('the error message') }
  switch (code) {
    case errors.UNAVAILABLE:
      error.unavailable = { consistency: from.short(), required: from.int(), alive: from.int() }
      break
    case errors.WRITE_TIMEOUT:
      error.writeTimeout = { ...readReplicas(from), writeType: from.string() }
      break
    case errors.READ_TIMEOUT:
      error.readTimeout = { ...readReplicas(from), dataPresent: from.byte() !== 0 }
      break
    case errors.READ_FAILURE:
      error.readFailure = { ...readReplicas(from), failures: readFailures(from, version), dataPresent: from.byte() !== 0 }
      break
    case errors.WRITE_FAILURE:
      error.writeFailure = { ...readReplicas(from), failures: readFailures(from, version), writeType: from.string() }
      break
    case errors.CAS_WRITE_UNKNOWN:
      error.writeTimeout = { ...readReplicas(from), writeType: 'CAS' }
      break
    case errors.FUNCTION_FAILURE:
      error.functionFailure = { keyspace: from.string(), function: from.string(), argumentTypes: from.stringList() }
      break
    case errors.ALREADY_EXISTS:
      error.alreadyExists = { keyspace: from.string(), table: from.string() }
      break
    case errors.UNPREPARED:
      error.unprepared = { id: from.shortBytes() }
  }
  return error
}

function readReplicas(from: ByteReader): { consistency: number; received: number; blockFor: number } {
  return { consistency: from.short(), received: from.int(), blockFor: from.int() }
}

/** v4: the number of replicas that failed; v5: `<reasonmap>`, of which the size is kept. */
function readFailures(from: ByteReader, version: number): number {
  const count = from.int('the failures')
  if (version < 5) return count
  from.count(count, 3, 'failures')
  for (let i = 0; i < count; i++) {
    from.raw(from.byte(), 'an address')
    from.short()
  }
  return count
}

function readResult(from: ByteReader, version: number): ResultResponse {
  const kind = from.int('the kind of result')
  switch (kind) {
    case 1:
      return { opcode: 'RESULT', kind: 'void' }
    case 2:
      return readRows(from, version)
    case 3:
      return { opcode: 'RESULT', kind: 'setKeyspace', keyspace: from.string('the keyspace') }
    case 4:
      return readPrepared(from, version)
    case 5:
      return { opcode: 'RESULT', kind: 'schemaChange', ...readSchemaChange(from) }
    default:
      throw new Malformed(`kind of result ${kind} is not known`)
  }
}

function readRows(from: ByteReader, version: number): RowsResult {
  const { columns, columnCount, pagingState, noMetadata } = readResultMetadata(from, version)
  const rowCount = from.int('the number of rows')
  if (rowCount > 0 && columnCount === 0) throw new Malformed('rows without columns')
  from.count(rowCount, 4 * columnCount, 'rows')
  const rows: (Uint8Array | null)[][] = []
  for (let i = 0; i < rowCount; i++) {
    const row: (Uint8Array | null)[] = []
    for (let j = 0; j < columnCount; j++) row.push(from.longBytes('a cell'))
    rows.push(row)
  }
  return { opcode: 'RESULT', kind: 'rows', columns, rows, pagingState, noMetadata }
}

function readPrepared(from: ByteReader, version: number): PreparedResult {
  const id = from.shortBytes('the prepared id')
  const resultMetadataId = version >= 5 ? from.shortBytes('the result metadata id') : undefined
  const flags = from.int('the metadata flags')
  const columnCount = from.int('the number of bound values')
  const pkIndexes: number[] = []
  if (version >= 4) {
    const pkCount = from.count(from.int('the key size'), 2, 'key columns')
    for (let i = 0; i < pkCount; i++) pkIndexes.push(from.short())
  }
  const bound = readColumns(from, columnCount, (flags & 0x01) !== 0)
  const { columns } = readResultMetadata(from, version)
  return { opcode: 'RESULT', kind: 'prepared', id, ...(resultMetadataId ? { resultMetadataId } : {}), bound, pkIndexes, columns }
}

interface ResultMetadata {
  columns: ColumnSpec[]
  columnCount: number
  pagingState: Uint8Array | null
  noMetadata: boolean
}

function readResultMetadata(from: ByteReader, version: number): ResultMetadata {
  const flags = from.int('the metadata flags')
  const columnCount = from.int('the number of columns')
  if (columnCount < 0) throw new Malformed(`${columnCount} columns`)
  const pagingState = (flags & 0x02) !== 0 ? from.longBytes('the paging state') : null
  if (version >= 5 && (flags & 0x08) !== 0) from.shortBytes('the new metadata id')
  const noMetadata = (flags & 0x04) !== 0
  const columns = noMetadata ? [] : readColumns(from, columnCount, (flags & 0x01) !== 0)
  return { columns, columnCount, pagingState, noMetadata }
}

function readColumns(from: ByteReader, count: number, isShared: boolean): ColumnSpec[] {
  from.count(count, 4, 'columns')
  const columns: ColumnSpec[] = []
  let keyspace = isShared ? from.string('the keyspace') : ''
  let table = isShared ? from.string('the table') : ''
  for (let i = 0; i < count; i++) {
    if (!isShared) {
      keyspace = from.string('the keyspace')
      table = from.string('the table')
    }
    columns.push({ keyspace, table, name: from.string('a column name'), type: readType(from) })
  }
  return columns
}

const changes = ['CREATED', 'UPDATED', 'DROPPED'] as const
const targets = ['KEYSPACE', 'TABLE', 'TYPE', 'FUNCTION', 'AGGREGATE'] as const

function readSchemaChange(from: ByteReader): SchemaChange {
  const change = oneOf(changes, from.string('the change'))
  const target = oneOf(targets, from.string('the target'))
  const keyspace = from.string('the keyspace')
  if (target === 'KEYSPACE') return { change, target, keyspace, name: null }
  const name = from.string('the name')
  if (target === 'TABLE' || target === 'TYPE') return { change, target, keyspace, name }
  return { change, target, keyspace, name, argumentTypes: from.stringList('the argument types') }
}

function readEvent(from: ByteReader): EventResponse {
  const event = oneOf(['SCHEMA_CHANGE', 'TOPOLOGY_CHANGE', 'STATUS_CHANGE'] as const, from.string('the event'))
  if (event === 'SCHEMA_CHANGE') return { opcode: 'EVENT', event, ...readSchemaChange(from) }
  const change = from.string('the change')
  const address = formatInet(from.raw(from.byte(), 'an address'))
  if (address === null) throw new Malformed('an address of neither 4 nor 16 bytes')
  return { opcode: 'EVENT', event, change, address, port: from.int('the port') }
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((each) => each === text)
  if (found === undefined) throw new Malformed(`"${text}" is none of ${known.join(', ')}`)
  return found
}
