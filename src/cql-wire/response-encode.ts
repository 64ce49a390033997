import { ByteWriter } from './byte-writer.ts'
import { errors, frameFlags, opcodes } from './constants.ts'
import { beginFrame, endFrame } from './frame.ts'
import { parseInet } from './inet.ts'
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
import { writeType } from './type-option.ts'

export interface ResponseExtras {
  /** Shown by drivers beside the result (v4 and later; left out in v3). */
  warnings?: readonly string[]
  /** 16 bytes. */
  tracingId?: Uint8Array
}

/** A whole response frame, header included. Events are sent with stream −1. */
export function encodeResponse(version: number, stream: number, response: Response, extras: ResponseExtras = {}): Uint8Array {
  const out = new ByteWriter()
  writeResponse(out, version, stream, response, extras)
  return out.copy()
}

/** Appends a whole response frame to `out`. */
export function writeResponse(out: ByteWriter, version: number, stream: number, response: Response, extras: ResponseExtras = {}): void {
  const warnings = version >= 4 ? (extras.warnings ?? []) : []
  const flags = (extras.tracingId ? frameFlags.TRACING : 0) | (warnings.length > 0 ? frameFlags.WARNING : 0)
  const start = beginFrame(out, 0x80 | version, flags, stream, opcodes[response.opcode])
  if (extras.tracingId) out.raw(extras.tracingId)
  if (warnings.length > 0) out.stringList(warnings)
  writeBody(out, version, response)
  endFrame(out, start)
}

function writeBody(out: ByteWriter, version: number, response: Response): void {
  switch (response.opcode) {
    case 'ERROR':
      return writeError(out, version, response)
    case 'READY':
      return
    case 'AUTHENTICATE':
      return out.string(response.className)
    case 'SUPPORTED':
      out.short(response.options.size)
      for (const [key, values] of response.options) {
        out.string(key)
        out.stringList(values)
      }
      return
    case 'RESULT':
      return writeResult(out, version, response)
    case 'EVENT':
      return writeEvent(out, response)
    case 'AUTH_CHALLENGE':
    case 'AUTH_SUCCESS':
      out.longBytes(response.token)
  }
}

/** A code that came after `version` as the one that it knows, as Cassandra tells it (`ErrorMessage.getBackwardsCompatibleException`). */
function asKnownIn(version: number, e: ErrorResponse): ErrorResponse {
  const { message } = e
  if (version < 5 && e.code === errors.CAS_WRITE_UNKNOWN) {
    const writeTimeout = e.writeTimeout ?? { consistency: 0, received: 0, blockFor: 0, writeType: 'CAS' }
    return { opcode: 'ERROR', code: errors.WRITE_TIMEOUT, message, writeTimeout: { ...writeTimeout, writeType: 'CAS' } }
  }
  if (version >= 4) return e
  switch (e.code) {
    case errors.READ_FAILURE:
      return { opcode: 'ERROR', code: errors.READ_TIMEOUT, message, ...(e.readFailure ? { readTimeout: e.readFailure } : {}) }
    case errors.WRITE_FAILURE:
      return { opcode: 'ERROR', code: errors.WRITE_TIMEOUT, message, ...(e.writeFailure ? { writeTimeout: e.writeFailure } : {}) }
    case errors.FUNCTION_FAILURE:
      return { opcode: 'ERROR', code: errors.INVALID, message }
    default:
      return e
  }
}

function writeError(out: ByteWriter, version: number, error: ErrorResponse): void {
  const e = asKnownIn(version, error)
  out.int(e.code)
  out.string(clipped(e.message))
  switch (e.code) {
    case errors.UNAVAILABLE: {
      const extra = e.unavailable ?? { consistency: 0, required: 0, alive: 0 }
      out.short(extra.consistency)
      out.int(extra.required)
      out.int(extra.alive)
      break
    }
    case errors.WRITE_TIMEOUT: {
      const extra = e.writeTimeout ?? { consistency: 0, received: 0, blockFor: 0, writeType: 'SIMPLE' }
      writeReplicas(out, extra)
      out.string(extra.writeType)
      if (version >= 5 && extra.writeType === 'CAS') out.short(0)
      break
    }
    case errors.READ_TIMEOUT: {
      const extra = e.readTimeout ?? { consistency: 0, received: 0, blockFor: 0, dataPresent: false }
      writeReplicas(out, extra)
      out.byte(extra.dataPresent ? 1 : 0)
      break
    }
    case errors.READ_FAILURE: {
      const extra = e.readFailure ?? { consistency: 0, received: 0, blockFor: 0, failures: 0, dataPresent: false }
      writeReplicas(out, extra)
      out.int(version >= 5 ? 0 : extra.failures)
      out.byte(extra.dataPresent ? 1 : 0)
      break
    }
    case errors.WRITE_FAILURE: {
      const extra = e.writeFailure ?? { consistency: 0, received: 0, blockFor: 0, failures: 0, writeType: 'SIMPLE' }
      writeReplicas(out, extra)
      out.int(version >= 5 ? 0 : extra.failures)
      out.string(extra.writeType)
      break
    }
    case errors.CAS_WRITE_UNKNOWN:
      writeReplicas(out, e.writeTimeout ?? { consistency: 0, received: 0, blockFor: 0 })
      break
    case errors.FUNCTION_FAILURE:
      out.string(e.functionFailure?.keyspace ?? '')
      out.string(e.functionFailure?.function ?? '')
      out.stringList(e.functionFailure?.argumentTypes ?? [])
      break
    case errors.ALREADY_EXISTS:
      out.string(e.alreadyExists?.keyspace ?? '')
      out.string(e.alreadyExists?.table ?? '')
      break
    case errors.UNPREPARED:
      out.shortBytes(e.unprepared?.id ?? new Uint8Array())
  }
}

/** A message that fits a [string] whatever its characters are. */
function clipped(message: string): string {
  return message.length > 21_000 ? `${message.slice(0, 21_000)}…` : message
}

function writeReplicas(out: ByteWriter, extra: { consistency: number; received: number; blockFor: number }): void {
  out.short(extra.consistency)
  out.int(extra.received)
  out.int(extra.blockFor)
}

function writeResult(out: ByteWriter, version: number, result: ResultResponse): void {
  switch (result.kind) {
    case 'void':
      return out.int(1)
    case 'rows':
      return writeRows(out, version, result)
    case 'setKeyspace':
      out.int(3)
      return out.string(result.keyspace)
    case 'prepared':
      return writePrepared(out, version, result)
    case 'schemaChange':
      out.int(5)
      writeSchemaChange(out, result)
  }
}

function writeRows(out: ByteWriter, version: number, result: RowsResult): void {
  out.int(2)
  writeResultMetadata(out, version, result.columns, result.pagingState, result.noMetadata)
  const { encoded } = result
  out.int(encoded ? encoded.count : result.rows.length)
  if (encoded) {
    out.raw(encoded.bytes)
    return encoded.release()
  }
  for (const row of result.rows) for (const cell of row) out.longBytes(cell)
}

function writePrepared(out: ByteWriter, version: number, result: PreparedResult): void {
  out.int(4)
  out.shortBytes(result.id)
  if (version >= 5) out.shortBytes(result.resultMetadataId ?? result.id)
  const shared = sharedTable(result.bound)
  out.int(shared ? GLOBAL_TABLE : 0)
  out.int(result.bound.length)
  if (version >= 4) {
    out.int(result.pkIndexes.length)
    for (const index of result.pkIndexes) out.short(index)
  }
  writeColumns(out, version, result.bound, shared)
  writeResultMetadata(out, version, result.columns, null, result.columns.length === 0)
}

const GLOBAL_TABLE = 0x01
const MORE_PAGES = 0x02
const NO_METADATA = 0x04

function writeResultMetadata(
  out: ByteWriter,
  version: number,
  columns: ColumnSpec[],
  pagingState: Uint8Array | null,
  noMetadata: boolean,
): void {
  const shared = noMetadata ? null : sharedTable(columns)
  out.int((shared ? GLOBAL_TABLE : 0) | (pagingState ? MORE_PAGES : 0) | (noMetadata ? NO_METADATA : 0))
  out.int(columns.length)
  if (pagingState) out.longBytes(pagingState)
  if (!noMetadata) writeColumns(out, version, columns, shared)
}

function writeColumns(out: ByteWriter, version: number, columns: ColumnSpec[], shared: ColumnSpec | null): void {
  if (shared) {
    out.string(shared.keyspace)
    out.string(shared.table)
  }
  for (const column of columns) {
    if (!shared) {
      out.string(column.keyspace)
      out.string(column.table)
    }
    out.string(column.name)
    writeType(out, version, column.type)
  }
}

function sharedTable(columns: readonly ColumnSpec[]): ColumnSpec | null {
  const first = columns[0]
  return first && columns.every((each) => each.keyspace === first.keyspace && each.table === first.table) ? first : null
}

function writeSchemaChange(out: ByteWriter, change: SchemaChange): void {
  out.string(change.change)
  out.string(change.target)
  out.string(change.keyspace)
  if (change.target === 'KEYSPACE') return
  out.string(change.name ?? '')
  if (change.target === 'FUNCTION' || change.target === 'AGGREGATE') out.stringList(change.argumentTypes ?? [])
}

function writeEvent(out: ByteWriter, event: EventResponse): void {
  out.string(event.event)
  if (event.event === 'SCHEMA_CHANGE') return writeSchemaChange(out, event)
  out.string(event.change)
  const address = parseInet(event.address) ?? new Uint8Array(4)
  out.byte(address.length)
  out.raw(address)
  out.int(event.port)
}
