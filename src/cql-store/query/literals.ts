import { encodeValue, formatType, parseInet, CqlValueError, type CqlDuration, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import type { Term } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Receiver } from './scope.ts'

type Literal = Extract<Term, { is: 'literal' }>

const kindNames = {
  string: 'STRING',
  integer: 'INTEGER',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  uuid: 'UUID',
  blob: 'HEX',
  duration: 'DURATION',
  null: 'NULL',
}

/** The bytes of a literal for its receiver. @throws CqlRefusal when it is none of the receiver's type */
export function literalBytes(literal: Literal, receiver: Receiver): Uint8Array | null {
  if (literal.kind === 'null') return null
  if (literal.kind === 'blob' && receiver.type.is === 'blob') return blobOf(literal.text)
  if (literal.kind === 'string' && literal.text === '' && (receiver.type.is === 'timestamp' || receiver.type.is === 'inet'))
    return new Uint8Array(0)
  const value = literalValue(literal, receiver.type)
  if (value === undefined) {
    throw invalid(
      `Invalid ${kindNames[literal.kind]} constant (${literal.text}) for "${receiver.name}" of type ${formatType(receiver.type)}`,
    )
  }
  try {
    return encodeValue(receiver.type, value)
  } catch (error) {
    if (error instanceof CqlValueError || error instanceof RangeError)
      throw invalid(`Unable to make ${formatType(receiver.type)} from '${literal.text}'`)
    throw error
  }
}

function blobOf(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw invalid(`Invalid blob ${text}: an odd number of hex digits`)
  return Buffer.from(text.slice(2), 'hex')
}

/** What a literal without a receiver most naturally is (a selected term, a function's argument). */
export function literalType(literal: Literal): CqlType {
  switch (literal.kind) {
    case 'string':
      return { is: 'text' }
    case 'integer': {
      const value = BigInt(literal.text)
      return { is: BigInt.asIntN(32, value) === value ? 'int' : BigInt.asIntN(64, value) === value ? 'bigint' : 'varint' }
    }
    case 'float':
      return { is: 'double' }
    case 'null':
      return { is: 'text' }
    default:
      return { is: literal.kind }
  }
}

function literalValue({ kind, text }: Literal, type: CqlType): CqlValue | undefined {
  switch (type.is) {
    case 'ascii':
    case 'text':
      return kind === 'string' ? text : undefined
    case 'inet':
      return kind === 'string' && parseInet(text) ? text : undefined
    case 'int':
    case 'smallint':
    case 'tinyint':
      return kind === 'integer' ? Number(text) : undefined
    case 'bigint':
    case 'counter':
    case 'varint':
      return kind === 'integer' ? BigInt(text) : undefined
    case 'float':
    case 'double':
      return kind === 'integer' || kind === 'float' ? floatOf(text) : undefined
    case 'decimal':
      return kind === 'integer' || kind === 'float' ? decimalOf(text) : undefined
    case 'boolean':
      return kind === 'boolean' ? text === 'true' : undefined
    case 'uuid':
      return kind === 'uuid' ? text.toLowerCase() : undefined
    case 'timeuuid':
      return kind === 'uuid' && text[14] === '1' ? text.toLowerCase() : undefined
    case 'timestamp':
      return kind === 'integer' ? BigInt(text) : kind === 'string' ? timestampOf(text) : undefined
    case 'date':
      return kind === 'integer' ? Number(text) - 2 ** 31 : kind === 'string' ? dateOf(text) : undefined
    case 'time':
      return kind === 'integer' ? BigInt(text) : kind === 'string' ? timeOf(text) : undefined
    case 'duration':
      return kind === 'duration' || kind === 'string' ? durationOf(text) : undefined
    default:
      return undefined
  }
}

function floatOf(text: string): number {
  if (text.endsWith('infinity')) return text.startsWith('-') ? -Infinity : Infinity
  return text === 'nan' ? Number.NaN : Number(text)
}

export function decimalOf(text: string): { unscaled: bigint; scale: number } | undefined {
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  return { unscaled: BigInt(`${whole}${fraction}`) * (sign ? -1n : 1n), scale: fraction.length - Number(exponent) }
}

/** `2026-11-22[ T]10:11[:12[.345]][Z|+0100|+01:00]`, a bare date, or milliseconds since 1970; UTC when no zone is given. */
export function timestampOf(text: string): bigint | undefined {
  if (/^-?\d+$/.test(text)) return BigInt(text)
  const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?(\.\d{1,9})?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/.exec(text.trim())
  if (!match) return undefined
  const [, date = '', time = '00:00', seconds = ':00', fraction = '', zone = 'Z'] = match
  const offset = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}` : 'Z'
  const ms = Date.parse(`${date}T${time}${seconds}${fraction.slice(0, 4)}${offset}`)
  return Number.isNaN(ms) ? undefined : BigInt(ms)
}

function dateOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) - 2 ** 31
  const ms = /^-?\d{4,6}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? undefined : ms / 86_400_000
}

function timeOf(text: string): bigint | undefined {
  if (/^\d+$/.test(text)) return BigInt(text)
  const match = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?$/.exec(text)
  if (!match) return undefined
  const [, hours = '0', minutes = '0', seconds = '0', fraction = ''] = match
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  return (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}

const nanosOf = new Map<string, bigint>(
  Object.entries({ h: 3_600_000_000_000n, m: 60_000_000_000n, s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n, µs: 1_000n, ns: 1n }),
)

function durationOf(text: string): CqlDuration | undefined {
  const negative = text.startsWith('-')
  const body = negative ? text.slice(1) : text
  const parts = body.startsWith('P')
    ? isoParts(body.slice(1))
    : [...body.toLowerCase().matchAll(/(\d+)(mo|ms|us|µs|ns|[ywdhms])/g)].map(([, count = '0', unit = '']) => ({ count, unit }))
  let months = 0
  let days = 0
  let nanos = 0n
  if (parts.length === 0) return undefined
  for (const { count, unit } of parts) {
    if (unit === 'y') months += Number(count) * 12
    else if (unit === 'mo') months += Number(count)
    else if (unit === 'w') days += Number(count) * 7
    else if (unit === 'd') days += Number(count)
    else nanos += BigInt(count) * (nanosOf.get(unit) ?? 0n)
  }
  return negative ? { months: -months, days: -days, nanos: -nanos } : { months, days, nanos }
}

function isoParts(body: string): { count: string; unit: string }[] {
  const [date = '', time = ''] = body.split('T')
  const read = (text: string, isDate: boolean): { count: string; unit: string }[] =>
    [...text.matchAll(/(\d+)([YMWDHS])/g)].map(([, count = '0', unit = '']) => ({
      count,
      unit: isDate && unit === 'M' ? 'mo' : unit.toLowerCase(),
    }))
  return [...read(date, true), ...read(time, false)]
}
