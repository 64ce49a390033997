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

/** WITH options of a table: remembered and shown as Cassandra 5 does; of them, `default_time_to_live` changes what this store does. */
export type TableOptions = Readonly<Record<string, OptionValue>>

type Kind = 'text' | 'number' | 'integer' | 'boolean' | 'map'

/** In the order in which DESCRIBE writes them. */
export const tableOptionKinds: readonly { name: string; kind: Kind; initially: OptionValue }[] = [
  { name: 'additional_write_policy', kind: 'text', initially: '99p' },
  { name: 'allow_auto_snapshot', kind: 'boolean', initially: 'true' },
  { name: 'bloom_filter_fp_chance', kind: 'number', initially: '0.01' },
  { name: 'caching', kind: 'map', initially: { keys: 'ALL', rows_per_partition: 'NONE' } },
  { name: 'cdc', kind: 'boolean', initially: 'false' },
  { name: 'comment', kind: 'text', initially: '' },
  {
    name: 'compaction',
    kind: 'map',
    initially: { class: 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', max_threshold: '32', min_threshold: '4' },
  },
  { name: 'compression', kind: 'map', initially: { chunk_length_in_kb: '16', class: 'org.apache.cassandra.io.compress.LZ4Compressor' } },
  { name: 'memtable', kind: 'text', initially: 'default' },
  { name: 'crc_check_chance', kind: 'number', initially: '1.0' },
  { name: 'default_time_to_live', kind: 'integer', initially: '0' },
  { name: 'extensions', kind: 'map', initially: {} },
  { name: 'gc_grace_seconds', kind: 'integer', initially: '864000' },
  { name: 'incremental_backups', kind: 'boolean', initially: 'true' },
  { name: 'max_index_interval', kind: 'integer', initially: '2048' },
  { name: 'memtable_flush_period_in_ms', kind: 'integer', initially: '0' },
  { name: 'min_index_interval', kind: 'integer', initially: '128' },
  { name: 'read_repair', kind: 'text', initially: 'BLOCKING' },
  { name: 'speculative_retry', kind: 'text', initially: '99p' },
]

/** Options of earlier Cassandra versions: accepted and forgotten, as Cassandra 5 does. */
const obsolete = new Set(['read_repair_chance', 'dclocal_read_repair_chance'])

export const initialTableOptions: TableOptions = Object.fromEntries(tableOptionKinds.map(({ name, initially }) => [name, initially]))

const longestTtlSeconds = 630_720_000 // twenty years

const scalars = new Map<string, ReadOption>(
  Object.entries({
    additional_write_policy: speculation,
    allow_auto_snapshot: boolean,
    bloom_filter_fp_chance: bloomFilterFpChance,
    cdc: boolean,
    comment: text,
    crc_check_chance: crcCheckChance,
    default_time_to_live: integer(0, longestTtlSeconds),
    gc_grace_seconds: integer(0),
    incremental_backups: boolean,
    max_index_interval: integer(-Infinity),
    memtable,
    memtable_flush_period_in_ms: integer(0),
    min_index_interval: integer(1),
    read_repair: readRepair,
    speculative_retry: speculation,
  }),
)

const maps = new Map<string, ReadMap>(Object.entries({ caching, compaction, compression }))

/** Those of a new table. @throws CqlRefusal as `withOptions` */
export function newTableOptions(given: Readonly<Record<string, OptionValue>>): TableOptions {
  return withOptions({ ...initialTableOptions, bloom_filter_fp_chance: byStrategy }, given)
}

/** `old` with the options of a WITH clause. @throws CqlRefusal for an unknown option or a value that Cassandra would not take */
export function withOptions(old: TableOptions, given: Readonly<Record<string, OptionValue>>): TableOptions {
  const next: Record<string, OptionValue> = { ...old }
  for (const [name, value] of Object.entries(given)) {
    // `extensions` takes all and is for Cassandra's own tools.
    if (!obsolete.has(name) && name !== 'extensions') next[name] = readOption(name, value)
  }
  if (next['bloom_filter_fp_chance'] === byStrategy) next['bloom_filter_fp_chance'] = isLeveled(next) ? '0.1' : '0.01'
  const [least, most] = [optionNumber(next, 'min_index_interval'), optionNumber(next, 'max_index_interval')]
  if (most < least) throw configError(`max_index_interval must be greater than or equal to min_index_interval (${least}) (got ${most})`)
  return next
}

function isLeveled(options: TableOptions): boolean {
  return optionMap(options, 'compaction').some(([name, value]) => name === 'class' && value.endsWith('.LeveledCompactionStrategy'))
}

function readOption(name: string, value: OptionValue): OptionValue {
  const readMap = maps.get(name)
  if (readMap) return readMap(entriesOf(name, value))
  const scalar = scalars.get(name)
  if (!scalar) throw unknownProperty(name)
  return readScalar(name, value, scalar)
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
