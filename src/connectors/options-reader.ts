import { durationMs } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

/**
 * Reads a connector's options key by key and names what is wrong: `source "users": every must be …`. By hand, not by zod:
 * the builders are imported by every pipeline file and must load in a few milliseconds.
 */
export class OptionsReader {
  readonly #what: string
  readonly #raw: Readonly<Record<string, unknown>>
  readonly #known = new Set<string>()

  constructor(what: string, raw: Readonly<Record<string, unknown>>) {
    this.#what = what
    this.#raw = raw
  }

  /** The value as it is; undefined when it was left out. */
  raw(key: string): unknown {
    this.#known.add(key)
    const value = this.#raw[key]
    return value === null ? undefined : value
  }

  text(key: string): string {
    return this.optionalText(key) ?? this.wrong(key, 'is required')
  }

  optionalText(key: string): string | null {
    const value = this.raw(key)
    if (value === undefined) return null
    return typeof value === 'string' && value !== '' ? value : this.wrong(key, 'must be text')
  }

  optionalDurationMs(key: string): number | null {
    const value = this.raw(key)
    if (value === undefined) return null
    if (typeof value !== 'string') return this.wrong(key, "must be a duration such as '1s'")
    return durationMs(value, `${this.#what}: ${key}`)
  }

  optionalInteger(key: string, { min, max }: { min: number; max: number }): number | null {
    const value = this.raw(key)
    if (value === undefined) return null
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    return this.wrong(key, `must be a whole number from ${min} to ${max}`)
  }

  optionalTexts(key: string): string[] | null {
    const value = this.raw(key)
    if (value === undefined) return null
    if (!Array.isArray(value) || value.length === 0) return this.wrong(key, 'must be a list of names with at least one')
    return value.map((entry: unknown) => (typeof entry === 'string' ? entry : this.wrong(key, 'must be a list of names')))
  }

  optionalObject(key: string): OptionsReader | null {
    const value = this.raw(key)
    if (value === undefined) return null
    return isObject(value) ? new OptionsReader(`${this.#what}: ${key}`, value) : this.wrong(key, 'must be an object')
  }

  keys(): string[] {
    return Object.keys(this.#raw)
  }

  /** Throws when an option was given that nothing has read: a typing mistake. */
  refuseOthers(): void {
    const other = Object.keys(this.#raw).find((key) => !this.#known.has(key))
    if (other !== undefined) this.wrong(other, `is no option; there are ${[...this.#known].toSorted().join(', ')}`)
  }

  wrong(key: string, problem: string): never {
    throw new MillraceError('DEFINITION_INVALID', `${this.#what}: ${key} ${problem}.`, { details: { option: key } })
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
