import type { CqlDecimal, CqlDuration } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'

/** Decimals and durations as Java writes them, which is how Cassandra shows them in JSON and casts them to text. */

/** A decimal as `BigDecimal.toString` has it. */
export function decimalText({ unscaled, scale }: CqlDecimal): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = `${unscaled < 0n ? -unscaled : unscaled}`
  const exponent = digits.length - 1 - scale
  if (scale === 0) return sign + digits
  if (scale > 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, '0')
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
  return `${sign}${digits[0]}${fraction}E${exponent >= 0 ? '+' : ''}${exponent}`
}

const nanoUnits: readonly [string, bigint][] = [
  ['h', 3_600_000_000_000n],
  ['m', 60_000_000_000n],
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1_000n],
  ['ns', 1n],
]

/** A duration as CQL writes it: `1y2mo3d4h`. */
export function durationText({ months, days, nanos }: CqlDuration): string {
  const isNegative = months < 0 || days < 0 || nanos < 0n
  const parts: string[] = []
  const part = (count: number | bigint, unit: string): void => {
    if (count) parts.push(`${count}${unit}`)
  }
  const [allMonths, allDays] = [Math.abs(months), Math.abs(days)]
  let rest = nanos < 0n ? -nanos : nanos
  part(Math.floor(allMonths / 12), 'y')
  part(allMonths % 12, 'mo')
  part(allDays, 'd')
  for (const [unit, size] of nanoUnits) {
    part(rest / size, unit)
    rest %= size
  }
  return (isNegative ? '-' : '') + parts.join('')
}

const mostPower = 10_000

/** 10 to the power of `digits`. @throws CqlRefusal when the number would be so long that computing with it stops everything else */
export function powerOfTen(digits: number): bigint {
  if (digits > mostPower) throw invalid(`A decimal of more than ${mostPower} digits`)
  return 10n ** BigInt(digits)
}

function aligned(a: CqlDecimal, b: CqlDecimal): { a: bigint; b: bigint; scale: number } {
  const scale = Math.max(a.scale, b.scale)
  return { a: a.unscaled * powerOfTen(scale - a.scale), b: b.unscaled * powerOfTen(scale - b.scale), scale }
}

export function addDecimals(left: CqlDecimal, right: CqlDecimal): CqlDecimal {
  const { a, b, scale } = aligned(left, right)
  return { unscaled: a + b, scale }
}

export function subtractDecimals(left: CqlDecimal, right: CqlDecimal): CqlDecimal {
  return addDecimals(left, { unscaled: -right.unscaled, scale: right.scale })
}

export function multiplyDecimals(left: CqlDecimal, right: CqlDecimal): CqlDecimal {
  return { unscaled: left.unscaled * right.unscaled, scale: left.scale + right.scale }
}

export function remainderOfDecimals(left: CqlDecimal, right: CqlDecimal): CqlDecimal {
  const { a, b, scale } = aligned(left, right)
  return { unscaled: a % b, scale }
}

type Rounding = 'half-up' | 'half-even'

/** The quotient with `scale` digits behind the point. */
export function divideDecimals(left: CqlDecimal, right: CqlDecimal, scale: number, rounding: Rounding): CqlDecimal {
  const shift = scale - left.scale + right.scale
  const numerator = shift >= 0 ? left.unscaled * powerOfTen(shift) : left.unscaled
  const denominator = shift >= 0 ? right.unscaled : right.unscaled * powerOfTen(-shift)
  const quotient = numerator / denominator
  const size = (n: bigint): bigint => (n < 0n ? -n : n)
  const twice = 2n * size(numerator % denominator)
  const half = size(denominator)
  const isUp = twice > half || (twice === half && (rounding === 'half-up' || quotient % 2n !== 0n))
  const sign = numerator < 0n === denominator < 0n ? 1n : -1n
  return { unscaled: isUp ? quotient + sign : quotient, scale }
}

const digitsOf = (n: bigint): number => `${n < 0n ? -n : n}`.length
const leastDigits = 32
const mostScale = 1_000

/** The quotient of `a / b` in CQL: 32 significant digits at least, none of them a trailing zero. */
export function quotientOfDecimals(left: CqlDecimal, right: CqlDecimal): CqlDecimal {
  const firstDigit = digitsOf(left.unscaled) - left.scale - (digitsOf(right.unscaled) - right.scale)
  const scale = Math.min(Math.max(leastDigits - firstDigit, left.scale, right.scale, leastDigits), mostScale)
  const quotient = divideDecimals(left, right, scale, 'half-up')
  if (quotient.unscaled === 0n) return { unscaled: 0n, scale: 0 }
  while (quotient.unscaled % 10n === 0n) {
    quotient.unscaled /= 10n
    quotient.scale--
  }
  return quotient
}
