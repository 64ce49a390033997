import { decodeValue, encodeValue, errors, formatType, type CqlDecimal, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import type { ArithmeticOp } from '../lang/index.ts'
import { CqlRefusal, invalid } from '../refusal.ts'
import { decimalOf } from './literals.ts'
import { doubleText } from '../floating-text.ts'
import { addDecimals, multiplyDecimals, quotientOfDecimals, remainderOfDecimals, subtractDecimals } from './numbers.ts'

const widths = new Map([
  ['tinyint', 8],
  ['smallint', 16],
  ['int', 32],
  ['bigint', 64],
  ['counter', 64],
])
const numeric = new Set([...widths.keys(), 'varint', 'float', 'double', 'decimal'])
const words: Record<ArithmeticOp, string> = { '+': '_add', '-': '_substract', '*': '_multiply', '/': '_divide', '%': '_modulo' }

export function isNumeric(type: CqlType): boolean {
  return numeric.has(type.is)
}

/** The type of `left op right`; null when the two do not go together. */
export function arithmeticType(op: ArithmeticOp, left: CqlType, right: CqlType): CqlType | null {
  if (right.is === 'duration') return (left.is === 'timestamp' || left.is === 'date') && (op === '+' || op === '-') ? left : null
  if (op === '+' && isText(left) && isText(right)) return { is: left.is === 'ascii' && right.is === 'ascii' ? 'ascii' : 'text' }
  if (!isNumeric(left) || !isNumeric(right)) return null
  const has = (name: string): boolean => left.is === name || right.is === name
  if (has('decimal')) return { is: 'decimal' }
  const isFloating = has('float') || has('double')
  if (has('varint')) return { is: isFloating ? 'decimal' : 'varint' }
  if (has('double')) return { is: 'double' }
  if (has('float')) return { is: has('bigint') || has('counter') ? 'double' : 'float' }
  const width = Math.max(widths.get(left.is) ?? 0, widths.get(right.is) ?? 0)
  return { is: width === 64 ? 'bigint' : width === 32 ? 'int' : width === 16 ? 'smallint' : 'tinyint' }
}

function isText(type: CqlType): boolean {
  return type.is === 'text' || type.is === 'ascii'
}

/** Computes `left op right`. @throws CqlRefusal when the two do not go together; when run, FUNCTION_FAILURE for what cannot be computed */
export function arithmetic(
  op: ArithmeticOp,
  left: CqlType,
  right: CqlType,
): { type: CqlType; run: (a: Uint8Array, b: Uint8Array) => Uint8Array } {
  const type = arithmeticType(op, left, right)
  if (!type) throw invalid(`the '${op}' operation is not supported between ${formatType(left)} and ${formatType(right)}`)
  const compute = computation(op, type, right)
  return {
    type,
    run: (a, b) => {
      try {
        return encodeValue(type, compute(decodeValue(left, a), decodeValue(right, b)))
      } catch (error) {
        throw new CqlRefusal(
          errors.FUNCTION_FAILURE,
          `the operation '${formatType(left)} ${op} ${formatType(right)}' failed: ${String(error)}`,
          { functionFailure: { keyspace: 'system', function: words[op], argumentTypes: [formatType(left), formatType(right)] } },
        )
      }
    },
  }
}

function computation(op: ArithmeticOp, type: CqlType, right: CqlType): (a: CqlValue, b: CqlValue) => CqlValue {
  if (right.is === 'duration') return (a, b) => shiftedTime(type, a, b, op === '+' ? 1 : -1)
  if (isText(type)) return (a, b) => (typeof a === 'string' && typeof b === 'string' ? a + b : null)
  if (type.is === 'decimal') return (a, b) => decimals[op](decimal(a), decimal(b))
  if (type.is === 'float' || type.is === 'double') return (a, b) => floats[op](Number(a), Number(b))
  const width = widths.get(type.is)
  return (a, b) => {
    const result = wholes[op](whole(a), whole(b))
    if (width === undefined) return result
    const cut = BigInt.asIntN(width, result)
    return width === 64 ? cut : Number(cut)
  }
}

const wholes: Record<ArithmeticOp, (a: bigint, b: bigint) => bigint> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
}
const floats: Record<ArithmeticOp, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
}
const decimals: Record<ArithmeticOp, (a: CqlDecimal, b: CqlDecimal) => CqlDecimal> = {
  '+': addDecimals,
  '-': subtractDecimals,
  '*': multiplyDecimals,
  '/': quotientOfDecimals,
  '%': remainderOfDecimals,
}

function whole(value: CqlValue): bigint {
  return typeof value === 'bigint' ? value : BigInt(Number(value))
}

function decimal(value: CqlValue): CqlDecimal {
  if (typeof value === 'object' && value !== null && 'unscaled' in value) return value
  if (typeof value === 'bigint') return { unscaled: value, scale: 0 }
  const number = Number(value)
  const text = Number.isInteger(number) ? `${number}` : doubleText(number)
  const read = decimalOf(text)
  if (!read) throw new RangeError(`${text} is no decimal`)
  return read
}

const dayMs = 86_400_000

/** Months by the calendar (at the month's last day where it has no such day), then days; nanoseconds as whole milliseconds. */
function shiftedTime(type: CqlType, time: CqlValue, by: CqlValue, sign: 1 | -1): CqlValue {
  if (typeof by !== 'object' || by === null || !('months' in by)) return null
  const ms = type.is === 'date' ? Number(time) * dayMs : Number(time)
  const date = new Date(ms)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + sign * by.months)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, lastDay))
  const shifted = date.getTime() + sign * by.days * dayMs + sign * Number(by.nanos / 1_000_000n)
  if (type.is !== 'date') return BigInt(shifted)
  if (by.nanos !== 0n) throw new RangeError('The duration must have a day precision')
  return Math.floor(shifted / dayMs)
}
