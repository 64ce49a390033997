import type { CqlType } from './types.ts'

export interface ColumnSpec {
  keyspace: string
  table: string
  name: string
  type: CqlType
}

/** Extra fields of an ERROR (spec v4 §9); which one is there follows from the code. v5 failure maps are counted into `failures`. */
export interface ErrorResponse {
  opcode: 'ERROR'
  code: number
  message: string
  unavailable?: { consistency: number; required: number; alive: number }
  writeTimeout?: { consistency: number; received: number; blockFor: number; writeType: string }
  readTimeout?: { consistency: number; received: number; blockFor: number; dataPresent: boolean }
  readFailure?: { consistency: number; received: number; blockFor: number; failures: number; dataPresent: boolean }
  writeFailure?: { consistency: number; received: number; blockFor: number; failures: number; writeType: string }
  functionFailure?: { keyspace: string; function: string; argumentTypes: string[] }
  alreadyExists?: { keyspace: string; /** Empty when the keyspace itself exists. */ table: string }
  unprepared?: { id: Uint8Array }
}

export interface SchemaChange {
  change: 'CREATED' | 'UPDATED' | 'DROPPED'
  target: 'KEYSPACE' | 'TABLE' | 'TYPE' | 'FUNCTION' | 'AGGREGATE'
  keyspace: string
  /** Of the table, type, function or aggregate; null for a keyspace. */
  name: string | null
  /** Of a function or aggregate. */
  argumentTypes?: string[]
}

export interface EncodedRows {
  count: number
  bytes: Uint8Array
  /** Called when they are written into a frame. */
  release(): void
}

export interface RowsResult {
  opcode: 'RESULT'
  kind: 'rows'
  /** Empty when decoded from an answer without metadata; to encode, needed even then (their count is sent). */
  columns: ColumnSpec[]
  rows: (Uint8Array | null)[][]
  /** To encode: rows whose values are written as `[bytes]` already, in place of `rows`. */
  encoded?: EncodedRows
  pagingState: Uint8Array | null
  noMetadata: boolean
}

export interface PreparedResult {
  opcode: 'RESULT'
  kind: 'prepared'
  id: Uint8Array
  /** v5 */
  resultMetadataId?: Uint8Array
  bound: ColumnSpec[]
  /** Positions in `bound` of the partition key's columns, in the key's order (v4); empty when not all are bound. */
  pkIndexes: number[]
  /** Of the rows it will give; empty for statements without rows. */
  columns: ColumnSpec[]
}

export type ResultResponse =
  | { opcode: 'RESULT'; kind: 'void' }
  | RowsResult
  | { opcode: 'RESULT'; kind: 'setKeyspace'; keyspace: string }
  | PreparedResult
  | ({ opcode: 'RESULT'; kind: 'schemaChange' } & SchemaChange)

export type EventResponse =
  | ({ opcode: 'EVENT'; event: 'SCHEMA_CHANGE' } & SchemaChange)
  | { opcode: 'EVENT'; event: 'TOPOLOGY_CHANGE' | 'STATUS_CHANGE'; change: string; address: string; port: number }

export type Response =
  | ErrorResponse
  | { opcode: 'READY' }
  | { opcode: 'AUTHENTICATE'; className: string }
  | { opcode: 'SUPPORTED'; options: Map<string, string[]> }
  | ResultResponse
  | EventResponse
  | { opcode: 'AUTH_CHALLENGE'; token: Uint8Array | null }
  | { opcode: 'AUTH_SUCCESS'; token: Uint8Array | null }
