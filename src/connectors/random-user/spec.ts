import type { Duration, SourceSpec } from '../../core/index.ts'
import { asJsonObject, readPolling, type Polling } from '../http/options.ts'
import { OptionsReader } from '../options-reader.ts'
import { randomUserFields, randomUserNationalities, type RandomUserField, type RandomUserNationality } from './random-user.ts'

/** Options of the RandomUser source. A run reads a page each `every`, for `for` or `pages`; with neither, until it is stopped. */
export interface RandomUserOptions {
  /** Names the cursor; `random_user`. */
  name?: string
  every: Duration
  for?: Duration
  /** Users a page, 1 to 5000; 1. */
  results?: number
  pages?: number
  nat?: readonly RandomUserNationality[]
  /** Only these fields; without `login` a user has no id. */
  inc?: readonly RandomUserField[]
  /** For a whole answer; 10 s. */
  timeout?: Duration
  /** After the first try; 5. */
  retries?: number
}

export interface RandomUserPoll extends Polling {
  results: number
  nat: string[] | null
  inc: string[] | null
}

/** The source as data, its options checked; opens nothing. Throws DEFINITION_INVALID naming the option. */
export function randomUserSpec(options: RandomUserOptions): SourceSpec {
  const { name = 'random_user', ...rest } = options
  resolveRandomUser(name, asJsonObject(rest))
  return { connector: 'random_user', name, options: asJsonObject(rest) }
}

/** @returns every option with its default */
export function resolveRandomUser(name: string, raw: Readonly<Record<string, unknown>>): RandomUserPoll {
  const reader = new OptionsReader(`source "${name}"`, raw)
  const resolved = {
    ...readPolling(name, reader),
    results: reader.optionalInteger('results', { min: 1, max: 5000 }) ?? 1,
    nat: oneOf(reader, 'nat', randomUserNationalities),
    inc: oneOf(reader, 'inc', randomUserFields),
  }
  reader.refuseOthers()
  return resolved
}

function oneOf(reader: OptionsReader, key: string, allowed: readonly string[]): string[] | null {
  const values = reader.optionalTexts(key)
  const unknown = values?.find((value) => !allowed.includes(value))
  return unknown === undefined ? values : reader.wrong(key, `"${unknown}" is not one of ${allowed.join(', ')}`)
}
