import type { CqlType, CqlValue } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'

/** A text, or another value of a file, that is none of its column's type. */
export function misfit(type: string, text: unknown): MillraceError {
  return new MillraceError('BAD_REQUEST', `${JSON.stringify(text).slice(0, 80)} is no ${type}`)
}

const integers: ReadonlySet<string> = new Set(['int', 'smallint', 'tinyint'])
const longs: ReadonlySet<string> = new Set(['bigint', 'varint', 'counter'])
const dayMs = 86_400_000
/** Years of four digits: others are written as numbers. */
const [firstMs, lastMs] = [Date.UTC(1, 0, 1), Date.UTC(9999, 11, 31, 23, 59, 59, 999)]
const epochDay = 2 ** 31

/** A scalar as CQL and `cqlsh`'s COPY write it. */
export function scalarText(type: CqlType, value: CqlValue): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return value
  if (typeof value === 'number') {
    if (type.is !== 'date') return Object.is(value, -0) ? '-0.0' : String(value)
    const ms = value * dayMs
    return ms >= firstMs && ms <= lastMs ? new Date(ms).toISOString().slice(0, 10) : String(value + epochDay)
  }
  if (typeof value === 'bigint') {
    if (type.is === 'time') return timeText(value)
    return type.is === 'timestamp' ? timestampText(value) : value.toString()
  }
  if (value !== null && 'unscaled' in value) return decimalText(value)
  if (value !== null && 'months' in value) return durationText(value)
  throw misfit(type.is, 'a collection')
}

function timestampText(ms: bigint): string {
  if (ms < BigInt(firstMs) || ms > BigInt(lastMs)) return ms.toString()
  return new Date(Number(ms)).toISOString().replace('T', ' ').replace('Z', '+0000')
}

function timeText(nanos: bigint): string {
  const part = (unit: bigint, modulus: bigint, digits: number): string => String((nanos / unit) % modulus).padStart(digits, '0')
  const second = 1_000_000_000n
  return `${part(3600n * second, 24n, 2)}:${part(60n * second, 60n, 2)}:${part(second, 60n, 2)}.${part(1n, second, 9)}`
}

function decimalText({ unscaled, scale }: { unscaled: bigint; scale: number }): string {
  if (scale < 0 || scale > 100) return `${unscaled}E${-scale}`
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`
}

function durationText({ months, days, nanos }: { months: number; days: number; nanos: bigint }): string {
  const isNegative = months < 0 || days < 0 || nanos < 0n
  const parts = [`${Math.abs(months)}mo`, `${Math.abs(days)}d`, `${nanos < 0n ? -nanos : nanos}ns`]
  return (isNegative ? '-' : '') + parts.join('')
}

/** What {@link scalarText} wrote, and what CQL's literals allow besides. @throws MillraceError */
export function scalarOf(type: CqlType, text: string): CqlValue {
  const { is } = type
  if (integers.has(is) || longs.has(is)) return integerOf(is, text)
  switch (is) {
    case 'float':
    case 'double':
      return floatOf(is, text)
    case 'boolean':
      if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
      throw misfit(is, text)
    case 'blob':
    case 'custom':
      if (/^0x([0-9a-f]{2})*$/i.test(text)) return Uint8Array.from(Buffer.from(text.slice(2), 'hex'))
      throw misfit(is, text)
    case 'timestamp':
      return timestampOf(text)
    case 'date':
      return dateOf(text)
    case 'time':
      return timeOf(text)
    case 'decimal':
      return decimalOf(text)
    case 'duration':
      return durationOf(text)
    case 'uuid':
    case 'timeuuid':
      if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase()
      throw misfit(is, text)
    default:
      return text
  }
}

function integerOf(type: string, text: string): CqlValue {
  if (!/^[+-]?\d+$/.test(text)) throw misfit(type, text)
  return integers.has(type) ? Number(text) : BigInt(text)
}

function floatOf(type: string, text: string): number {
  const number = /^[+-]?inf(inity)?$/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text)
  if (text === '' || (Number.isNaN(number) && !/^nan$/i.test(text))) throw misfit(type, text)
  return number
}

function timestampOf(text: string): bigint {
  if (/^[+-]?\d+$/.test(text)) return BigInt(text)
  const found = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?(\.\d{1,9})?)?\s*(Z|[+-]\d\d:?\d\d)?$/.exec(text)
  if (!found) throw misfit('timestamp', text)
  const [, day = '', minutes = '00:00', seconds = ':00', fraction = '', zone = 'Z'] = found
  const ms = Date.parse(`${day}T${minutes}${seconds}${fraction.slice(0, 4)}${zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`)
  if (Number.isNaN(ms)) throw misfit('timestamp', text)
  return BigInt(ms)
}

function dateOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) - epochDay
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms)) throw misfit('date', text)
  return ms / dayMs
}

function timeOf(text: string): bigint {
  const found = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/.exec(text)
  if (!found) throw misfit('time', text)
  const [, hours = '', minutes = '', seconds = '', fraction = ''] = found
  return BigInt(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}

function decimalOf(text: string): CqlValue {
  const found = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!found) throw misfit('decimal', text)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found
  const unscaled = BigInt(whole + fraction)
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale: fraction.length - Number(exponent) }
}

const units: Record<string, [months: number, days: number, nanos: bigint]> = {
  y: [12, 0, 0n],
  mo: [1, 0, 0n],
  w: [0, 7, 0n],
  d: [0, 1, 0n],
  h: [0, 0, 3_600_000_000_000n],
  m: [0, 0, 60_000_000_000n],
  s: [0, 0, 1_000_000_000n],
  ms: [0, 0, 1_000_000n],
  us: [0, 0, 1_000n],
  µs: [0, 0, 1_000n],
  ns: [0, 0, 1n],
}

function durationOf(text: string): CqlValue {
  const found = /^(-?)((?:\d+(?:y|mo|w|d|h|ms|m|s|us|µs|ns))+)$/.exec(text)
  if (!found) throw misfit('duration', text)
  const sign = found[1] === '-' ? -1 : 1
  const total = { months: 0, days: 0, nanos: 0n }
  for (const [, count = '', unit = ''] of (found[2] ?? '').matchAll(/(\d+)([a-zµ]+)/g)) {
    const [months, days, nanos] = units[unit] ?? [0, 0, 0n]
    total.months += sign * months * Number(count)
    total.days += sign * days * Number(count)
    total.nanos += BigInt(sign) * nanos * BigInt(count)
  }
  // −0 is no count.
  return { months: total.months || 0, days: total.days || 0, nanos: total.nanos }
}
