import type { Duration, SourceSpec } from '../../core/index.ts'
import {
  asJsonObject,
  duration,
  integer,
  optionalDuration,
  optionalInteger,
  optionalText,
  readOptions,
  requiredFunction,
  type Resolved,
  type TableOf,
} from '../option-table.ts'

/** Chance that depends on the seed and the record's number alone. No use for secrets. */
export interface GeneratorRandom {
  /** At least 0, less than 1. */
  fraction(): number
  /** A whole number from 0 to `below` − 1. */
  below(below: number): number
  /** A whole number from `from` to `to`. */
  between(from: number, to: number): number
  pick<T>(from: readonly [T, ...T[]]): T
  /** A version 4 UUID. */
  uuid(): string
}

/** Options of a source that makes its records. */
export interface GeneratorOptions<T extends Record<string, unknown> = Record<string, unknown>> {
  /** Names the cursor; unique within a project. */
  name: string
  /**
   * The record of a number, 0 the first. It is to depend on what it is given alone, not on a clock or on `Math.random`: a page that is made
   * again is the same then.
   */
  make: (n: number, random: GeneratorRandom) => T
  /** From one page to the next; 1 s. */
  every?: Duration
  /** Wall duration of a run. */
  for?: Duration
  /** Records a page; 1. */
  records?: number
  /** At most so many pages a run. */
  pages?: number
  /** What `random` begins with; the source's name. */
  seed?: string
}

/** Of `generator`. */
export const generatorOptions = {
  make: requiredFunction<GeneratorOptions['make']>({
    takes: '`(n, random) => record`',
    does: 'The record of a number, 0 the first. It is to depend on what it is given alone, not on a clock or on `Math.random`: a page that is made again is the same then.',
  }),
  every: duration({ standard: '1s', does: 'From one page to the next.' }),
  for: optionalDuration({ standard: 'until the last page, or until it is stopped', does: 'Wall duration of a run.' }),
  records: integer({ standard: 1, min: 1, max: 10_000, does: 'Records a page.' }),
  pages: optionalInteger({ standard: 'no limit', min: 1, does: 'At most so many pages a run.' }),
  seed: optionalText({ standard: 'the name', does: 'What `random` begins with.' }),
} satisfies TableOf<GeneratorOptions>

export type Generator = Resolved<typeof generatorOptions>

/** The source as data, its options checked; `make` travels beside it. Throws DEFINITION_INVALID naming the option. */
export function generatorSpec(options: GeneratorOptions): SourceSpec {
  const { name, ...rest } = options
  readOptions(generatorOptions, name, rest)
  return { connector: 'generator', name, options: asJsonObject(rest) }
}
