/**
 * The JSON form of values that have a type of their own where they are stored (`FieldType` says which), both ways. What is no such value
 * gives null.
 */

const dayMs = 86_400_000

/** Days since 1970 of `YYYY-MM-DD`. */
export function daysOfDate(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value) || !isDayOfMonth(value)) return null
  const atMs = Date.parse(value)
  return Number.isNaN(atMs) ? null : atMs / dayMs
}

/** Null beyond what `YYYY-MM-DD` can write. */
export function dateOfDays(days: number): string | null {
  const text = isoOf(days * dayMs)
  return text === null ? null : text.slice(0, 10)
}

/** An instant: whole milliseconds since 1970, and the microseconds beyond them (0 to 999). */
export interface Instant {
  readonly ms: number
  readonly micros: number
}

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.(\d{1,9}))?)?(?:Z|[+-]\d{2}:?\d{2})$/

/** ISO 8601 with a zone; what is finer than microseconds is left out. */
export function instantOfText(value: unknown): Instant | null {
  const match = typeof value === 'string' ? instantPattern.exec(value) : null
  if (!match || typeof value !== 'string' || !isDayOfMonth(value)) return null
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? null : { ms, micros: Number((match[1] ?? '').slice(3, 6).padEnd(3, '0')) }
}

/**
 * ISO 8601 in UTC, with so many digits after the second (−1: to the minute). Null beyond the years that four digits write.
 * @param digits of a second; what is finer is left out
 */
export function textOfInstant({ ms, micros }: Instant, digits: number): string | null {
  const text = isoOf(ms)
  if (text === null) return null
  if (digits < 0) return `${text.slice(0, 16)}Z`
  if (digits === 0) return `${text.slice(0, 19)}Z`
  if (digits === 3) return text
  return `${text.slice(0, 20)}${`${text.slice(20, 23)}${String(micros).padStart(3, '0')}`.padEnd(digits, '0').slice(0, digits)}Z`
}

/** A whole number in 64 bits, given as a safe number, a bigint or a decimal text. */
export function int64Of(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  const whole = typeof value === 'bigint' ? value : typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? BigInt(value) : null
  return whole !== null && BigInt.asIntN(64, whole) === whole ? whole : null
}

/** A number when it is safe, else its digits. */
export function jsonOfInt64(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** The digits of a decimal as a whole number (12.3 at scale 2: 1230); null for more digits than precision and scale hold. */
export function unscaledOf(value: unknown, precision: number, scale: number): bigint | null {
  const text = typeof value === 'number' ? String(value) : value
  const match = typeof text === 'string' ? /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) : null
  if (!match) return null
  const fraction = (match[3] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) return null
  const unscaled = BigInt((match[2] ?? '') + fraction.padEnd(scale, '0'))
  if (unscaled >= 10n ** BigInt(precision)) return null
  return match[1] === '-' ? -unscaled : unscaled
}

/** With exactly `scale` digits behind the point. */
export function textOfDecimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const text = scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}

/** Bytes of standard base64 with its padding. */
export function bytesOfBase64(value: unknown): Buffer | null {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return null
  return Buffer.from(value, 'base64')
}

/** `Date.parse` takes 2026-02-30 for a day of March. */
function isDayOfMonth(date: string): boolean {
  const day = Number(date.slice(8, 10))
  return day <= 28 || day <= new Date(Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)), 0)).getUTCDate()
}

/** Null beyond the years 0 to 9999, which other forms would write in another way. */
function isoOf(ms: number): string | null {
  return ms >= -62_167_219_200_000 && ms < 253_402_300_800_000 ? new Date(ms).toISOString() : null
}
