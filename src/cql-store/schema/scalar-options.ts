import type { OptionValue } from '../lang/index.ts'
import { doubleText } from '../floating-text.ts'
import { configError, malformed, type CqlRefusal } from '../refusal.ts'

/** Reads the text of an option's value and gives it as it is kept. @throws CqlRefusal in Cassandra's words and with its code */
export type ReadOption = (name: string, text: string) => string

export function readScalar(name: string, value: OptionValue, read: ReadOption): string {
  if (typeof value !== 'string') throw malformed(`Invalid value for property '${name}'. It should be a string`)
  return read(name, value)
}

export const text: ReadOption = (_name, given) => given

/** Java's `Integer.parseInt`. @param least smallest value; what is below is a wrong configuration, not a wrong number */
export function integer(least: number, most = 0x7fff_ffff): ReadOption {
  return (name, given) => {
    const value = Number(given)
    if (!/^[+-]?\d+$/.test(given) || value !== Math.trunc(value) || value !== (value | 0))
      throw malformed(`Invalid integer value ${given} for '${name}'`)
    if (value < least) throw configError(`${name} must be greater than or equal to ${least} (got ${value})`)
    if (value > most) throw configError(`${name} must be less than or equal to ${most} (got ${value})`)
    return String(value)
  }
}

const javaDouble = /^([+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|NaN|Infinity))[df]?$/i

/** Java's `Double.parseDouble`, which allows spaces around and `d` or `f` behind; null for what is none. */
export function parseDouble(given: string): number | null {
  const [, digits] = javaDouble.exec(given.trim()) ?? []
  return digits === undefined ? null : Number(digits)
}

function double(isWithin: (value: number) => boolean, wanted: string): ReadOption {
  return (name, given) => {
    const value = parseDouble(given)
    if (value === null) throw malformed(`Invalid double value ${given} for '${name}'`)
    if (!Number.isNaN(value) && !isWithin(value)) throw configError(`${name} must be ${wanted} (got ${doubleText(value)})`)
    return doubleText(value)
  }
}

/** Stands for the standard `bloom_filter_fp_chance` of the table's compaction strategy. */
export const byStrategy = '-1'

export const bloomFilterFpChance: ReadOption = (name, given) => {
  if (parseDouble(given) === Number(byStrategy)) return byStrategy
  return double((value) => value > 6.71e-5 && value <= 1, 'larger than 6.71E-5 and less than or equal to 1.0')(name, given)
}

export const crcCheckChance = double((value) => value >= 0 && value <= 1, 'larger than or equal to 0 and smaller than or equal to 1.0')

export const boolean: ReadOption = (name, given) => {
  if (/^(1|true|yes)$/i.test(given)) return 'true'
  if (/^(0|false|no)$/i.test(given)) return 'false'
  throw malformed(
    `Invalid boolean value ${given} for '${name}'. Positive values can be '1', 'true' or 'yes'. Negative values can be '0', 'false' or 'no'.`,
  )
}

export const memtable: ReadOption = (_name, given) => {
  if (given !== 'default') throw configError(`Memtable configuration "${given}" not found.`)
  return given
}

export const readRepair: ReadOption = (name, given) => {
  if (!/^(none|blocking)$/i.test(given)) throw configError(`Invalid value ${given} for option '${name}': it should be 'NONE' or 'BLOCKING'`)
  return given.toUpperCase()
}

/** When a read or write is sent to another node too: `99p`, `50ms`, `ALWAYS`, `NEVER`, `MIN(99p,50ms)`, `MAX(99p,50ms)`, in any case. */
export const speculation: ReadOption = (_name, given) => {
  // Cassandra calls it so for `additional_write_policy` as well.
  const wrong = (why = ''): CqlRefusal => configError(`Invalid value ${given} for option 'speculative_retry'${why}`)
  if (/^(always|never|none)$/i.test(given)) return given.toUpperCase().replace('NONE', 'NEVER')
  const [, which, left, right] = /^(min|max)\(([^,]*),\s*([^,]*)\)$/i.exec(given) ?? []
  if (which === undefined || left === undefined || right === undefined) return delay(given, wrong)
  const both = [delay(left, wrong), delay(right, wrong)]
  const percentile = both.find((one) => one.endsWith('p'))
  const fixed = both.find((one) => one.endsWith('ms'))
  if (percentile === undefined || fixed === undefined) throw wrong(': MIN()/MAX() arguments should be of different types')
  return `${which.toUpperCase()}(${percentile},${fixed})`
}

function delay(given: string, wrong: (why?: string) => CqlRefusal): string {
  const [, digits, unit] = /^(\d+\.?\d*|\.\d+)(p|percentile|ms)$/i.exec(given.trim()) ?? []
  if (digits === undefined || unit === undefined) throw wrong()
  if (unit.toLowerCase() === 'ms') return `${Math.trunc(Number(digits))}ms`
  if (Number(digits) <= 0 || Number(digits) >= 100) throw wrong(': a percentile must be between 0.0 and 100.0')
  return `${Number(digits)}p`
}
