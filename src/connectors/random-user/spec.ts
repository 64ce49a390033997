import type { Duration, SourceSpec } from '../../core/index.ts'
import { pollingOf, pollingOptions, type Polling } from '../http/options.ts'
import { asJsonObject, integer, readOptions, type TableOf } from '../option-table.ts'
import type { OptionsReader } from '../options-reader.ts'
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
  /** First delay of the exponential back-off with jitter; 1 s. */
  backoff?: Duration
  /** Longest delay between two tries, and the longest `Retry-After` that is waited for; 1 min. */
  maxBackoff?: Duration
  /** At most so many requests in this time, retries included. */
  rateLimit?: { requests: number; per: Duration }
  /** 64 MiB. */
  maxBodyBytes?: number
}

export interface RandomUserPoll extends Polling {
  results: number
  nat: string[] | null
  inc: string[] | null
}

/** Of `randomUser`. */
export const randomUserOptions = {
  ...pollingOptions,
  results: integer({ standard: 1, min: 1, max: 5_000, does: 'Users a page.' }),
  nat: {
    takes: `a list of ${randomUserNationalities.map((nationality) => `\`'${nationality}'\``).join(', ')}`,
    standard: 'all',
    does: 'Nationalities.',
    read: (reader, key) => oneOf(reader, key, randomUserNationalities),
  },
  inc: {
    takes: `a list of ${randomUserFields.map((field) => `\`'${field}'\``).join(', ')}`,
    standard: 'all',
    does: 'Only these fields. Without `login` a user has no id.',
    read: (reader, key) => oneOf(reader, key, randomUserFields),
  },
} satisfies TableOf<RandomUserOptions>

/** The source as data, its options checked; opens nothing. Throws DEFINITION_INVALID naming the option. */
export function randomUserSpec(options: RandomUserOptions): SourceSpec {
  const { name = 'random_user', ...rest } = options
  resolveRandomUser(name, rest)
  return { connector: 'random_user', name, options: asJsonObject(rest) }
}

/** @returns every option with its default */
export function resolveRandomUser(name: string, raw: object): RandomUserPoll {
  const { results, nat, inc, ...polling } = readOptions(randomUserOptions, name, raw)
  return { ...pollingOf(name, polling), results, nat, inc }
}

function oneOf(reader: OptionsReader, key: string, allowed: readonly string[]): string[] | null {
  const values = reader.optionalTexts(key)
  const unknown = values?.find((value) => !allowed.includes(value))
  return unknown === undefined ? values : reader.wrong(key, `"${unknown}" is not one of ${allowed.join(', ')}`)
}
