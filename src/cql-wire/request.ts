import { ByteReader, Malformed } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { frameFlags, opcodes, type UNSET } from './constants.ts'
import { beginFrame, endFrame } from './frame.ts'
import { readBatch, readParameters, writeBatch, writeParameters } from './request-parameters.ts'

export type BoundValue = Uint8Array | null | typeof UNSET

/** `<query_parameters>` (spec v4 §4.1.4, v5 for `keyspace` and `nowInSeconds`). */
export interface QueryParameters {
  consistency: number
  values: BoundValue[]
  /** One name for each value, or null when they are bound by position. */
  names: string[] | null
  skipMetadata: boolean
  pageSize: number | null
  pagingState: Uint8Array | null
  serialConsistency: number | null
  timestampMicros: bigint | null
  keyspace?: string
  nowInSeconds?: number
}

export type BatchStatement = { query: string; values: BoundValue[] } | { preparedId: Uint8Array; values: BoundValue[] }

export interface BatchRequest {
  opcode: 'BATCH'
  type: 'logged' | 'unlogged' | 'counter'
  statements: BatchStatement[]
  consistency: number
  serialConsistency: number | null
  timestampMicros: bigint | null
  keyspace?: string
  nowInSeconds?: number
}

export type Request =
  | { opcode: 'STARTUP'; options: Map<string, string> }
  | { opcode: 'OPTIONS' }
  | { opcode: 'QUERY'; query: string; parameters: QueryParameters }
  | { opcode: 'PREPARE'; query: string; keyspace?: string }
  | { opcode: 'EXECUTE'; preparedId: Uint8Array; /** v5 */ resultMetadataId?: Uint8Array; parameters: QueryParameters }
  | BatchRequest
  | { opcode: 'REGISTER'; events: string[] }
  | { opcode: 'AUTH_RESPONSE'; token: Uint8Array | null }

/**
 * Decodes the body of a request of protocol `version` 3 to 5. Never throws: nonsense gives a reason to be answered with
 * PROTOCOL_ERROR. Byte values are views into `body`. `flags` of the frame header: a custom payload is skipped, compression refused.
 */
export function decodeRequest(
  version: number,
  opcode: number,
  body: Uint8Array,
  flags = 0,
): { ok: true; request: Request } | { ok: false; reason: string } {
  if ((flags & frameFlags.COMPRESSED) !== 0)
    return { ok: false, reason: 'Compressed frame received, but no compression was agreed in STARTUP' }
  const from = new ByteReader(body)
  try {
    if ((flags & frameFlags.CUSTOM_PAYLOAD) !== 0) from.skipBytesMap()
    const request = readRequest(from, version, opcode)
    if (!request) return { ok: false, reason: `Opcode 0x${opcode.toString(16).padStart(2, '0')} is not a request` }
    return { ok: true, request }
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message }
    throw error
  }
}

function readRequest(from: ByteReader, version: number, opcode: number): Request | null {
  switch (opcode) {
    case opcodes.STARTUP:
      return { opcode: 'STARTUP', options: from.stringMap('the options') }
    case opcodes.OPTIONS:
      return { opcode: 'OPTIONS' }
    case opcodes.QUERY:
      return { opcode: 'QUERY', query: from.longString('the query'), parameters: readParameters(from, version) }
    case opcodes.PREPARE:
      return readPrepare(from, version)
    case opcodes.EXECUTE: {
      const preparedId = from.shortBytes('the prepared id')
      if (version < 5) return { opcode: 'EXECUTE', preparedId, parameters: readParameters(from, version) }
      const resultMetadataId = from.shortBytes('the result metadata id')
      return { opcode: 'EXECUTE', preparedId, resultMetadataId, parameters: readParameters(from, version) }
    }
    case opcodes.BATCH:
      return readBatch(from, version)
    case opcodes.REGISTER:
      return { opcode: 'REGISTER', events: from.stringList('the event types') }
    case opcodes.AUTH_RESPONSE:
      return { opcode: 'AUTH_RESPONSE', token: from.longBytes('the token') }
    default:
      return null
  }
}

function readPrepare(from: ByteReader, version: number): Request {
  const query = from.longString('the query')
  if (version < 5) return { opcode: 'PREPARE', query }
  const flags = from.int('the flags')
  return (flags & 0x01) === 0 ? { opcode: 'PREPARE', query } : { opcode: 'PREPARE', query, keyspace: from.string('the keyspace') }
}

/** A whole request frame, header included. */
export function encodeRequest(version: number, stream: number, request: Request): Uint8Array {
  const out = new ByteWriter()
  writeRequest(out, version, stream, request)
  return out.copy()
}

/** Appends a whole request frame to `out`. */
export function writeRequest(out: ByteWriter, version: number, stream: number, request: Request): void {
  const start = beginFrame(out, version, 0, stream, opcodes[request.opcode])
  switch (request.opcode) {
    case 'STARTUP':
      out.short(request.options.size)
      for (const [key, value] of request.options) {
        out.string(key)
        out.string(value)
      }
      break
    case 'OPTIONS':
      break
    case 'QUERY':
      out.longString(request.query)
      writeParameters(out, version, request.parameters)
      break
    case 'PREPARE':
      out.longString(request.query)
      if (version >= 5) out.int(request.keyspace === undefined ? 0 : 1)
      if (version >= 5 && request.keyspace !== undefined) out.string(request.keyspace)
      break
    case 'EXECUTE':
      out.shortBytes(request.preparedId)
      if (version >= 5) out.shortBytes(request.resultMetadataId ?? new Uint8Array())
      writeParameters(out, version, request.parameters)
      break
    case 'BATCH':
      writeBatch(out, version, request)
      break
    case 'REGISTER':
      out.stringList(request.events)
      break
    case 'AUTH_RESPONSE':
      out.longBytes(request.token)
  }
  endFrame(out, start)
}
