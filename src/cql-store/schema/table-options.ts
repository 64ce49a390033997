import { configError, unknownProperty } from '../refusal.ts'
import type { OptionValue } from '../lang/index.ts'

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

/** `old` with the options of a WITH clause. @throws CqlRefusal for an unknown option or a value that is none of its kind */
export function withOptions(old: TableOptions, given: Readonly<Record<string, OptionValue>>): TableOptions {
  const next: Record<string, OptionValue> = { ...old }
  for (const [name, value] of Object.entries(given)) {
    if (obsolete.has(name)) continue
    const known = tableOptionKinds.find((option) => option.name === name)
    if (!known) throw unknownProperty(name)
    if (!fits(known.kind, value)) throw configError(`Invalid value for property '${name}'. It should be ${wanted[known.kind]}`)
    next[name] = value
  }
  checkRanges(next)
  if (optionNumber(next, 'default_time_to_live') > 630_720_000) {
    throw configError(
      'default_time_to_live must be less than or equal to 630720000 (got ' + optionNumber(next, 'default_time_to_live') + ')',
    )
  }
  return next
}

const compactionStrategies = ['SizeTiered', 'Leveled', 'TimeWindow', 'Unified'].map((name) => `${name}CompactionStrategy`)

/** What Cassandra, where the schema may move to, would not take. */
function checkRanges(options: TableOptions): void {
  const within = (name: string, least: number, most: number): void => {
    const value = optionNumber(options, name)
    if (value < least || value > most) throw configError(`${name} must be between ${least} and ${most} (got ${value})`)
  }
  within('bloom_filter_fp_chance', 6.71e-5, 1)
  within('crc_check_chance', 0, 1)
  const strategy = optionMap(options, 'compaction').find(([key]) => key === 'class')?.[1]
  const short = strategy?.replace('org.apache.cassandra.db.compaction.', '')
  if (short !== undefined && !compactionStrategies.includes(short)) throw configError(`Unable to find compaction strategy class '${short}'`)
}

const wanted: Record<Kind, string> = { text: 'a string', number: 'a number', integer: 'an integer', boolean: 'true or false', map: 'a map' }

function fits(kind: Kind, value: OptionValue): boolean {
  if (kind === 'map' || typeof value !== 'string') return kind === 'map' && typeof value !== 'string'
  if (kind === 'number') return value !== '' && Number.isFinite(Number(value))
  if (kind === 'integer') return /^\d{1,10}$/.test(value)
  if (kind === 'boolean') return value === 'true' || value === 'false'
  return true
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
