import { compositeKey, murmur3Token, UNSET, type BoundValue } from '../../cql-wire/index.ts'
import type { Using } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import { optionNumber, type Table } from '../schema/index.ts'
import { maxKeyBytes, partitionPrefix, withPlace, type Engine, type RowWriter } from '../storage/index.ts'
import type { Scope } from './scope.ts'
import { compileTerm, type TermContext } from './terms.ts'

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

export interface CompiledKind {
  write: (scope: Scope, target: Target) => void
  readsFirst: boolean
  /** Of the partitions it writes to. */
  prefixes: (scope: Scope) => Buffer[]
  /** Key of the one row that a condition is about. */
  rowKey: (scope: Scope) => Buffer
  writesStatics: boolean
  /** It writes static columns and nothing else. */
  isStaticOnly: boolean
  keyMarkers: (number | null)[]
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
