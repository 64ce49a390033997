import type { OptionValue } from '../lang/index.ts'
import { configError, unknownProperty } from '../refusal.ts'
import { caching, compaction, compression, entriesOf, type ReadMap } from './map-options.ts'
import {
  bloomFilterFpChance,
  boolean,
  byStrategy,
  crcCheckChance,
  integer,
  memtable,
  readRepair,
  readScalar,
  speculation,
  text,
  type ReadOption,
} from './scalar-options.ts'

/** WITH options of a table: kept and shown as Cassandra 5 does; `default_time_to_live` and `gc_grace_seconds` change what this store does. */
export type TableOptions = Readonly<Record<string, OptionValue>>

interface TableOption {
  readonly name: string
  readonly initially: OptionValue
  /** Whether DESCRIBE writes it in quotes. */
  readonly isText: boolean
  /** What is kept of a value. @throws CqlRefusal for one that Cassandra would not take */
  read(value: OptionValue): OptionValue
}

function scalar(name: string, initially: string, read: ReadOption, { isText = false } = {}): TableOption {
  return { name, initially, isText, read: (value) => readScalar(name, value, read) }
}

function map(name: string, initially: Record<string, string>, read: ReadMap): TableOption {
  return { name, initially, isText: false, read: (value) => read(entriesOf(name, value)) }
}

const inQuotes = { isText: true }
const longestTtlSeconds = 630_720_000 // twenty years
const sizeTiered = 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy'
const lz4 = 'org.apache.cassandra.io.compress.LZ4Compressor'

/** In the order in which DESCRIBE writes them. */
export const tableOptions: readonly TableOption[] = [
  scalar('additional_write_policy', '99p', speculation, inQuotes),
  scalar('allow_auto_snapshot', 'true', boolean),
  scalar('bloom_filter_fp_chance', '0.01', bloomFilterFpChance),
  map('caching', { keys: 'ALL', rows_per_partition: 'NONE' }, caching),
  scalar('cdc', 'false', boolean),
  scalar('comment', '', text, inQuotes),
  map('compaction', { class: sizeTiered, max_threshold: '32', min_threshold: '4' }, compaction),
  map('compression', { chunk_length_in_kb: '16', class: lz4 }, compression),
  scalar('memtable', 'default', memtable, inQuotes),
  scalar('crc_check_chance', '1.0', crcCheckChance),
  scalar('default_time_to_live', '0', integer(0, longestTtlSeconds)),
  // Takes all, and is for Cassandra's own tools.
  { name: 'extensions', initially: {}, isText: false, read: () => ({}) },
  scalar('gc_grace_seconds', '864000', integer(0)),
  scalar('incremental_backups', 'true', boolean),
  scalar('max_index_interval', '2048', integer(-Infinity)),
  scalar('memtable_flush_period_in_ms', '0', integer(0)),
  scalar('min_index_interval', '128', integer(1)),
  scalar('read_repair', 'BLOCKING', readRepair, inQuotes),
  scalar('speculative_retry', '99p', speculation, inQuotes),
]

/** Options of earlier Cassandra versions: accepted and forgotten, as Cassandra 5 does. */
const obsolete = new Set(['read_repair_chance', 'dclocal_read_repair_chance'])

export const initialTableOptions: TableOptions = Object.fromEntries(tableOptions.map(({ name, initially }) => [name, initially]))

/** Those of a new table. @throws CqlRefusal as `withOptions` */
export function newTableOptions(given: Readonly<Record<string, OptionValue>>): TableOptions {
  return withOptions({ ...initialTableOptions, bloom_filter_fp_chance: byStrategy }, given)
}

/** `old` with the options of a WITH clause. @throws CqlRefusal for an unknown option or a value that Cassandra would not take */
export function withOptions(old: TableOptions, given: Readonly<Record<string, OptionValue>>): TableOptions {
  const next: Record<string, OptionValue> = { ...old }
  for (const [name, value] of Object.entries(given)) {
    if (obsolete.has(name)) continue
    const option = tableOptions.find((known) => known.name === name)
    if (!option) throw unknownProperty(name)
    next[name] = option.read(value)
  }
  if (next['bloom_filter_fp_chance'] === byStrategy) next['bloom_filter_fp_chance'] = isLeveled(next) ? '0.1' : '0.01'
  const [least, most] = [optionNumber(next, 'min_index_interval'), optionNumber(next, 'max_index_interval')]
  if (most < least) throw configError(`max_index_interval must be greater than or equal to min_index_interval (${least}) (got ${most})`)
  return next
}

function isLeveled(options: TableOptions): boolean {
  return optionMap(options, 'compaction').some(([name, value]) => name === 'class' && value.endsWith('.LeveledCompactionStrategy'))
}

export function optionNumber(options: TableOptions, name: string): number {
  const value = options[name]
  return typeof value === 'string' ? Number(value) : 0
}

export function optionText(options: TableOptions, name: string): string {
  const value = options[name]
  return typeof value === 'string' ? value : ''
}

export function optionMap(options: TableOptions, name: string): [string, string][] {
  const value = options[name]
  return typeof value === 'object' ? Object.entries(value) : []
}
