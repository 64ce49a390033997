import type { Duration, SourceSpec } from '../../core/index.ts'
import { onBad } from '../bad-records.ts'
import {
  asJsonObject,
  bytes,
  choice,
  duration,
  flag,
  integer,
  optionalDuration,
  readOptions,
  text,
  type Resolved,
  type TableOf,
} from '../option-table.ts'
import { OptionsReader } from '../options-reader.ts'

/** A line that is no record. */
export interface BadLine {
  file: string
  /** From 1; where it begins, when it is of several. */
  line: number
  /** Of its first byte. */
  offset: number
  /** The line as UTF-8, what is none replaced; of one that is too long its beginning. */
  text: string
  /** What is wrong with it. */
  problem: string
}

/** Options of a source that reads lines of files. */
export interface FileTailOptions<T extends Record<string, unknown> = Record<string, unknown>> {
  /** Names the cursor; unique within a project. */
  name: string
  /** A path or a glob (`logs/*.ndjson`), relative to the folder of `millrace.config.ts`. */
  path: string
  /** JSON objects, one a line; or CSV as RFC 4180 has it. */
  format: 'ndjson' | 'csv'
  /** Of CSV: names of its columns, when the first row is not their names. */
  columns?: readonly string[]
  /** Of CSV: what stands between two cells; a comma. */
  delimiter?: string
  /** Goes on with what is written later, until it is stopped; without it the run ends with what is there at its start. */
  follow?: boolean
  /** Goes on with what is written later, for so long. */
  for?: Duration
  /** While it follows: from one look at the files to the next; 1 s. */
  every?: Duration
  /** Records a page, at most; 1,000. */
  records?: number
  /** A longer line is a bad one; 1 MiB. */
  maxLineBytes?: number
  /** A last line without its end is being written and waits (`wait`), or is one (`take`); `wait`. */
  lastLine?: 'wait' | 'take'
  /** What becomes of a line that is no record: the run fails there, it is left out and counted, or this makes a record of it; `fail`. */
  onBadLine?: 'fail' | 'skip' | ((line: BadLine) => T | null)
}

/** Of `fileTail`. */
export const fileTailOptions = {
  path: text(
    'A path or a glob (`logs/*.ndjson`), relative to the folder of `millrace.config.ts`. Files are read in the order of their names.',
  ),
  format: choice({ of: ['ndjson', 'csv'], does: 'JSON objects, one a line; or CSV as RFC 4180 has it.' }),
  columns: {
    takes: 'a list of names',
    standard: 'the first row names them',
    does: 'Of CSV: names of its columns, when the first row does not hold them.',
    read: (reader, key) => {
      const columns = reader.optionalTexts(key)
      return columns && new Set(columns).size < columns.length ? reader.wrong(key, 'names a column twice') : columns
    },
  },
  delimiter: {
    takes: 'one ASCII character',
    standard: "`','`",
    does: 'Of CSV: what stands between two cells.',
    read: (reader, key) => {
      const given = reader.optionalText(key) ?? ','
      return /^[\t\x20-\x7e]$/.test(given) && given !== '"' ? given : reader.wrong(key, 'must be one ASCII character, and no quote')
    },
  },
  follow: flag('Goes on with what is written later, until it is stopped. Without it the run ends with what is there at its start.'),
  for: optionalDuration({ standard: 'see `follow`', does: 'Goes on with what is written later, for so long.' }),
  every: duration({ standard: '1s', does: 'While it follows: from one look at the files to the next.' }),
  records: integer({ standard: 1_000, min: 1, max: 10_000, does: 'Records a page, at most.' }),
  maxLineBytes: bytes({ standard: 1 << 20, max: 64 << 20, does: 'A longer line (of CSV: row) is a bad one.' }),
  lastLine: choice({
    of: ['wait', 'take'],
    standard: 'wait',
    does: 'A last line without a line end is still being written, and waits for it; or is whole, and is taken when the run comes to it.',
  }),
  onBadLine: onBad<BadLine>({
    takes: '`({ file, line, offset, text, problem }) => record or null`',
    does: 'What becomes of a line that is no record: the run fails, naming file and line, when all before it is committed; it is left out, told and counted in the log; or the function makes a record of it (null: left out).',
  }),
} satisfies TableOf<FileTailOptions>

export type FileTail = Resolved<typeof fileTailOptions>

/** The source as data, its options checked; `onBadLine` travels beside it when it is a function. Throws DEFINITION_INVALID naming the option. */
export function fileTailSpec(options: FileTailOptions): SourceSpec {
  const { name, ...rest } = options
  resolveFileTail(name, rest)
  return { connector: 'file_tail', name, options: asJsonObject(rest) }
}

/** @returns every option with its default */
export function resolveFileTail(name: string, raw: object): FileTail {
  const options = readOptions(fileTailOptions, name, raw)
  const ofCsv = options.columns !== null ? 'columns' : options.delimiter !== ',' ? 'delimiter' : null
  if (options.format === 'ndjson' && ofCsv !== null) new OptionsReader(`source "${name}"`, {}).wrong(ofCsv, "is an option of format: 'csv'")
  return options
}
