import { durationMs, type Duration, type Json, type SecretReference } from '../core/index.ts'
import { isObject, OptionsReader } from './options-reader.ts'

/** One option of a connector: what checks it and what its documentation says stand in one place. */
export interface Option<T> {
  /** What it takes, in the words of its documentation. */
  takes: string
  /** What holds when it is left out, likewise; `required` when it may not be. */
  standard: string
  does: string
  /** Throws DEFINITION_INVALID naming the option. */
  read: (reader: OptionsReader, key: string) => T
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>

/** The table of an author's options: each has its place in it, and it has no other. */
export type TableOf<Options> = { readonly [K in Exclude<keyof Options, 'name'>]-?: Option<unknown> }

/** What a table's options are once they were read: every default is in it. */
export type Resolved<O extends OptionTable> = { [K in keyof O]: O[K] extends Option<infer T> ? T : never }

const name = /^[A-Za-z0-9._-]{1,100}$/

/**
 * A source's options, each with its default.
 * @throws MillraceError DEFINITION_INVALID naming the option that is wrong, or is none
 */
export function readOptions<O extends OptionTable>(table: O, source: string, raw: object): Resolved<O> {
  const reader = new OptionsReader(`source "${source}"`, Object.fromEntries(Object.entries(raw)))
  if (!name.test(source)) reader.wrong('name', 'must be 1 to 100 letters, digits, ".", "_" or "-"')
  const entries = Object.entries(table).map(([key, option]) => [key, option.read(reader, key)])
  reader.refuseOthers()
  // The one place where keys and what is read for them come together; `Object.fromEntries` forgets which is whose.
  return Object.fromEntries(entries) as Resolved<O>
}

interface Told<T> {
  does: string
  standard: T
}
const required = 'required'

/** A duration, in milliseconds. */
export function duration({ does, standard }: Told<Duration>): Option<number> {
  const standardMs = durationMs(standard)
  const read: Option<number>['read'] = (reader, key) => reader.optionalDurationMs(key) ?? standardMs
  return { takes: 'a duration', standard: `\`'${standard}'\``, does, read }
}

export function requiredDuration(does: string): Option<number> {
  const read: Option<number>['read'] = (reader, key) =>
    reader.optionalDurationMs(key) ?? reader.wrong(key, "is required: a duration such as '1s'")
  return { takes: 'a duration', standard: required, does, read }
}

/** @param standard what holds without it */
export function optionalDuration({ does, standard }: Told<string>): Option<number | null> {
  return { takes: 'a duration', standard, does, read: (reader, key) => reader.optionalDurationMs(key) }
}

interface Whole<T> extends Told<T> {
  min: number
  max: number
}

export function integer({ does, standard, min, max }: Whole<number>): Option<number> {
  const takes = `a whole number, ${thousands(min)} to ${thousands(max)}`
  return { takes, standard: thousands(standard), does, read: (reader, key) => reader.optionalInteger(key, { min, max }) ?? standard }
}

/** @param standard what holds without it */
export function optionalInteger({ does, standard, min }: Omit<Whole<string>, 'max'>): Option<number | null> {
  const max = Number.MAX_SAFE_INTEGER
  return { takes: `a whole number from ${min}`, standard, does, read: (reader, key) => reader.optionalInteger(key, { min, max }) }
}

/** Bytes, shown in the unit that is a round number. */
export function bytes({ does, standard, max }: Omit<Whole<number>, 'min'>): Option<number> {
  const takes = `a number of bytes, at most ${sizeOf(max)}`
  return { takes, standard: sizeOf(standard), does, read: (reader, key) => reader.optionalInteger(key, { min: 1, max }) ?? standard }
}

export function text(does: string): Option<string> {
  return { takes: 'text', standard: required, does, read: (reader, key) => reader.text(key) }
}

/** @param standard what holds without it */
export function optionalText({ does, standard }: Told<string>): Option<string | null> {
  return { takes: 'text', standard, does, read: (reader, key) => reader.optionalText(key) }
}

/** One of some words. Without a standard it is required. */
export function choice<const W extends string>({ does, of, standard }: { does: string; of: readonly W[]; standard?: W }): Option<W> {
  const takes = of.map((word) => `\`'${word}'\``).join(', ')
  const read: Option<W>['read'] = (reader, key) => {
    const given = reader.raw(key) ?? standard
    return of.find((word) => word === given) ?? reader.wrong(key, `must be ${of.map((word) => `'${word}'`).join(' or ')}`)
  }
  return { takes, standard: standard === undefined ? required : `\`'${standard}'\``, does, read }
}

export function flag(does: string): Option<boolean> {
  const read: Option<boolean>['read'] = (reader, key) => {
    const given = reader.raw(key) ?? false
    return typeof given === 'boolean' ? given : reader.wrong(key, 'must be true or false')
  }
  return { takes: '`true` or `false`', standard: '`false`', does, read }
}

/** A function of the author's; options that hold one cannot cross processes, so that it travels beside them. */
export function requiredFunction<F extends (...given: never[]) => unknown>({ does, takes }: { does: string; takes: string }): Option<F> {
  const read: Option<F>['read'] = (reader, key) => {
    const given = reader.raw(key)
    // What it takes and gives the compiler has checked where the author wrote it.
    return typeof given === 'function' ? (given as F) : reader.wrong(key, `must be a function: ${takes.replaceAll('`', '')}`)
  }
  return { takes, standard: required, does, read }
}

/** A secret by reference: `secret.env(…)` or `secret.file(…)`; a text would stand in the pipeline file (P8). */
export function readSecret(reader: OptionsReader, key: string): SecretReference | null {
  const given = reader.raw(key)
  if (given === undefined) return null
  if (isObject(given)) {
    const { secret, name: variable, path } = given
    if (secret === 'env' && typeof variable === 'string') return { secret, name: variable }
    if (secret === 'file' && typeof path === 'string') return { secret, path }
  }
  return reader.wrong(key, "must be secret.env('NAME') or secret.file('path'), so that no secret stands in a pipeline file")
}

/** Options as JSON: what was left out as `undefined` is not there, nor are functions. */
export function asJsonObject(options: object): { [key: string]: Json } {
  const isData = (value: unknown): boolean => value !== undefined && typeof value !== 'function'
  return Object.fromEntries(Object.entries(options).flatMap(([key, value]) => (isData(value) ? [[key, asJson(value)]] : [])))
}

function asJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(asJson)
  // Symbols and bigints are no options: the check of the options has refused them where they stood.
  return typeof value === 'object' ? asJsonObject(value) : null
}

function thousands(value: number): string {
  return value === Number.MAX_SAFE_INTEGER ? '2⁵³ − 1' : String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

function sizeOf(value: number): string {
  if (value % (1 << 20) === 0) return `${value >> 20} MiB`
  return value % 1024 === 0 ? `${value >> 10} KiB` : thousands(value)
}
