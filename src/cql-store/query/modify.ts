import { compositeKey, murmur3Token, UNSET, type BoundValue, type ColumnSpec } from '../../cql-wire/index.ts'
import type { Modification, Using } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import { isSystemKeyspace, optionNumber, type Table } from '../schema/index.ts'
import { maxKeyBytes, partitionPrefix, RowWriter, withPlace, type Engine } from '../storage/index.ts'
import { unauthorized } from '../refusal.ts'
import { compileDelete } from './delete.ts'
import { compileInsert } from './insert.ts'
import { compileConditions, type Conditional } from './conditions.ts'
import { Binds, type Scope } from './scope.ts'
import { compileTerm, type TermContext } from './terms.ts'
import { compileUpdate } from './update.ts'

/** A compiled INSERT, UPDATE or DELETE. */
export interface CompiledModification {
  table: Table
  bound: ColumnSpec[]
  pkIndexes: number[]
  /** Writes the records of one execution; the caller begins and submits. */
  write: (scope: Scope, target: Target) => void
  /** With an IF clause: decides first. */
  conditional: Conditional | null
}

/** Where records are written, and how rows are written there. */
export interface Target {
  engine: Engine
  rows: RowWriter
}

export interface Times {
  timestamp: bigint
  ttl: number
  /** 0 = never. */
  expiresAt: number
}

/** Compiles a modification of `table`. @throws CqlRefusal when it does not fit the table */
export function compileModification(
  statement: Modification,
  table: Table,
  names: readonly (string | null)[],
  shared?: Binds,
): CompiledModification {
  if (isSystemKeyspace(table.keyspace)) throw unauthorized(`${table.keyspace} keyspace is not user-modifiable.`)
  const binds = shared ?? new Binds(names, table)
  const context: TermContext = { binds, partitionKey: table.partitionKey }
  if (statement.onlyIf && statement.using.timestamp) throw invalid('Cannot provide custom timestamp for conditional updates')
  const compiled = compileKind(statement, table, context)
  const conditional = statement.onlyIf ? compileConditions(table, statement.onlyIf, compiled.rowKey, context) : null
  const bound = shared ? [] : binds.specs()
  return { table, bound, pkIndexes: Binds.keyIndexes(bound, compiled.keyMarkers), write: compiled.write, conditional }
}

export interface CompiledKind {
  write: (scope: Scope, target: Target) => void
  /** Key of the one row that a condition is about. */
  rowKey: (scope: Scope) => Buffer
  keyMarkers: (number | null)[]
}

function compileKind(statement: Modification, table: Table, context: TermContext): CompiledKind {
  switch (statement.is) {
    case 'insert':
      return compileInsert(statement, table, context)
    case 'update':
      return compileUpdate(statement, table, context)
    case 'delete':
      return compileDelete(statement, table, context)
  }
}

const maxTtl = 630_720_000

/** USING TIMESTAMP and TTL, the table's default TTL, and the frame's time. */
export function compileTimes(using: Using, table: Table, context: TermContext): (scope: Scope) => Times {
  const timestamp = using.timestamp && compileTerm(using.timestamp, { name: '[timestamp]', type: { is: 'bigint' } }, context)
  const ttl = using.ttl && compileTerm(using.ttl, { name: '[ttl]', type: { is: 'int' } }, context)
  const standard = optionNumber(table.options, 'default_time_to_live')
  return (scope) => {
    const given = timestamp?.(scope)
    if (given === null) throw invalid('Invalid null value of timestamp')
    const seconds = ttl ? secondsOf(ttl(scope), standard) : standard
    return {
      timestamp: given instanceof Uint8Array ? Buffer.from(given).readBigInt64BE(0) : scope.timestamp,
      ttl: seconds,
      expiresAt: seconds === 0 ? 0 : scope.nowSeconds + seconds,
    }
  }
}

function secondsOf(value: BoundValue, standard: number): number {
  if (value === null) return 0
  if (value === UNSET) return standard
  const seconds = Buffer.from(value).readInt32BE(0)
  if (seconds < 0) throw invalid(`A TTL must be greater or equal to 0, but was ${seconds}`)
  if (seconds > maxTtl) throw invalid(`ttl is too large. requested (${seconds}) maximum (${maxTtl})`)
  return seconds
}

/** The prefix of a partition's keys. @throws CqlRefusal for an empty or too long key */
export function partitionOf(table: Table, parts: readonly Uint8Array[]): Buffer {
  const only = parts[0]
  if (parts.length === 1 && only?.length === 0) throw invalid('Key may not be empty')
  const key = compositeKey(parts)
  return checkedKey(partitionPrefix(table.number, murmur3Token(key), key))
}

export function rowKeyOf(prefix: Buffer, place: number | Uint8Array): Buffer {
  return checkedKey(withPlace(prefix, place))
}

function checkedKey(key: Buffer): Buffer {
  if (key.length > maxKeyBytes)
    throw invalid(`Key length of ${key.length} is longer than maximum of ${maxKeyBytes} for Millrace's table store`)
  return key
}
