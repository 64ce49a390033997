import type { OptionValue } from '../lang/index.ts'
import { configError, malformed } from '../refusal.ts'
import { parseDouble } from './scalar-options.ts'

type Entries = Readonly<Record<string, string>>

/** Reads the sub-options of an option and gives them as they are kept. @throws CqlRefusal with Cassandra's code */
export type ReadMap = (given: Entries) => Record<string, string>

export function entriesOf(name: string, value: OptionValue): Entries {
  if (typeof value === 'string') throw malformed(`Invalid value for property '${name}'. It should be a map.`)
  return value
}

/** Why a sub-option cannot have this value; null when it can. */
type Judge = (name: string, value: string) => string | null

const anything: Judge = () => null

function whole(least: number): Judge {
  return (name, value) => {
    if (!/^[+-]?\d+$/.test(value)) return `${value} is not a parsable int (base10) for ${name}`
    return Number(value) < least ? `${name} must be at least ${least}, but was ${value}` : null
  }
}

function fraction(least: number, most = Infinity): Judge {
  return (name, value) => {
    const number = parseDouble(value)
    if (number === null) return `${value} is not a parsable float for ${name}`
    return number < least || number > most ? `${name} must be between ${least} and ${most}, but was ${value}` : null
  }
}

const flag: Judge = (name, value) => (/^(true|false)$/i.test(value) ? null : `'${name}' should either be 'true' or 'false', not ${value}`)

const oneOf =
  (...values: readonly string[]): Judge =>
  (name, value) =>
    values.includes(value) ? null : `${value} is not valid for ${name}: ${values.join(', ')} are`

const size: Judge = (name, value) => (/^\d+(\.\d+)?\s*([KMGT]i?)?B$/.test(value) ? null : `${name} ${value} is not a valid size in bytes`)

/** Drops rows that a read may need: Cassandra has to be started with leave to do so. */
const unsafe: Judge = (name, value) => (/^true$/i.test(value) ? `${name} is requested but not allowed` : null)

const ofAllStrategies = {
  enabled: flag,
  log_all: flag,
  only_purge_repaired_tombstones: anything,
  provide_overlapping_tombstones: anything,
  tombstone_compaction_interval: whole(0),
  tombstone_threshold: fraction(0),
  unchecked_tombstone_compaction: flag,
}

const sizeTiered = {
  ...ofAllStrategies,
  bucket_high: fraction(-Infinity),
  bucket_low: fraction(-Infinity),
  max_threshold: whole(2),
  min_sstable_size: whole(0),
  min_threshold: whole(2),
}

const expiring = { expired_sstable_check_frequency_seconds: whole(0), unsafe_aggressive_sstable_expiration: unsafe }

const strategies: Readonly<Record<string, Readonly<Record<string, Judge>>>> = {
  SizeTieredCompactionStrategy: sizeTiered,
  LeveledCompactionStrategy: { ...sizeTiered, fanout_size: whole(1), single_sstable_uplevel: anything, sstable_size_in_mb: whole(1) },
  TimeWindowCompactionStrategy: {
    ...sizeTiered,
    ...expiring,
    compaction_window_size: whole(1),
    compaction_window_unit: oneOf('MINUTES', 'HOURS', 'DAYS'),
    timestamp_resolution: oneOf('NANOSECONDS', 'MICROSECONDS', 'MILLISECONDS', 'SECONDS', 'MINUTES', 'HOURS', 'DAYS'),
  },
  UnifiedCompactionStrategy: {
    ...ofAllStrategies,
    ...expiring,
    base_shard_count: whole(1),
    flush_size_override: size,
    max_sstables_to_compact: whole(-1),
    min_sstable_size: size,
    overlap_inclusion_method: oneOf('NONE', 'SINGLE', 'TRANSITIVE'),
    scaling_parameters: (name, value) =>
      value.split(',').every((one) => /^(N|L\d+|T\d+|[+-]?\d+)$/.test(one.trim())) ? null : `${value} is not valid for ${name}`,
    sstable_growth: fraction(0, 1),
    target_sstable_size: size,
  },
}

/** How files are merged: kept and shown, since this store has no such files. */
export const compaction: ReadMap = (given) => {
  const { class: named, ...rest } = given
  if (named === undefined) throw configError("Missing sub-option 'class' for the 'compaction' option")
  const name = named.replace('org.apache.cassandra.db.compaction.', '')
  const known = Object.hasOwn(strategies, name) ? strategies[name] : undefined
  if (!known) throw configError(`Unable to find compaction strategy class 'org.apache.cassandra.db.compaction.${name}'`)
  judge(rest, known, (unknown) => `Properties specified [${unknown.join(', ')}] are not understood by ${name}`)
  const kept = known['min_threshold'] === undefined ? rest : { max_threshold: '32', min_threshold: '4', ...rest }
  compareTiers(kept)
  return sorted({ ...kept, class: `org.apache.cassandra.db.compaction.${name}` })
}

function compareTiers({ min_threshold: least, max_threshold: most, bucket_low: low = '0.5', bucket_high: high = '1.5' }: Entries): void {
  if (Number(least) > Number(most)) {
    throw configError(`Min compaction threshold (got ${least}) cannot be greater than max compaction threshold (got ${most})`)
  }
  if ((parseDouble(high) ?? 0) <= (parseDouble(low) ?? 0)) {
    throw configError(`bucket_high value (${high}) is less than or equal to the bucket_low value (${low})`)
  }
}

function within(least: number, most: number): Judge {
  return (name, value) =>
    /^-?\d+$/.test(value) && Number(value) >= least && Number(value) <= most
      ? null
      : `Invalid value [${value}] for parameter '${name}'. Value must be between ${least} and ${most}.`
}

const ofAllCompressors: Readonly<Record<string, Judge>> = {
  chunk_length_in_kb: (name, value) => {
    if (!/^[+-]?\d+$/.test(value)) return `Invalid value for ${name}`
    if (Number(value) <= 0) return `Invalid negative or null ${name}`
    if (Number(value) > 2_097_151) return `Value of ${name} is too large (${value})`
    return Math.log2(Number(value)) % 1 === 0 ? null : `${name} must be a power of 2`
  },
  min_compress_ratio: (name, value) => {
    const ratio = parseDouble(value)
    return ratio === 0 || (ratio !== null && ratio >= 1) ? null : `${name} can either be 0 or greater than or equal to 1`
  },
}

const compressors: Readonly<Record<string, Readonly<Record<string, Judge>>>> = {
  LZ4Compressor: { lz4_compressor_type: oneOf('high', 'fast'), lz4_high_compressor_level: within(1, 17) },
  SnappyCompressor: {},
  DeflateCompressor: {},
  NoopCompressor: {},
  ZstdCompressor: { compression_level: within(-131_072, 22) },
}

/** How files are compressed: kept and shown, since LMDB's pages are not. `{}` and `{'enabled': false}` turn it off. */
export const compression: ReadMap = (given) => {
  const { class: named, enabled = 'true', ...rest } = given
  if (Object.keys(given).length === 0) return { enabled: 'false' }
  if (!/^true$/i.test(enabled)) {
    if (Object.keys(given).length > 1) throw configError("If the 'enabled' option is set to false no other options must be specified")
    return { enabled: 'false' }
  }
  if (named === undefined) throw configError("Missing sub-option 'class' for the 'compression' option.")
  if (named === '') throw configError("The 'class' option must not be empty. To disable compression use 'enabled' : false")
  const name = named.replace('org.apache.cassandra.io.compress.', '')
  const known = Object.hasOwn(compressors, name) ? compressors[name] : undefined
  if (!known) throw configError(`Could not create Compression for type org.apache.cassandra.io.compress.${name}`)
  judge(rest, { ...ofAllCompressors, ...known }, (unknown) => `Unknown compression options ${unknown.join(', ')}`)
  return sorted({ chunk_length_in_kb: '16', ...rest, class: `org.apache.cassandra.io.compress.${name}` })
}

/** What Cassandra holds in memory: kept and shown. What is not named is `NONE`. */
export const caching: ReadMap = (given) => {
  const { keys = 'NONE', rows_per_partition: rows = 'NONE', ...rest } = given
  judge(rest, {}, (unknown) => `Invalid caching sub-options [${unknown.join(', ')}]: only 'keys' and 'rows_per_partition' are allowed`)
  if (!/^(all|none)$/i.test(keys)) throw wrongCaching('keys', keys, "only 'ALL' and 'NONE' are allowed")
  if (!/^(all|none|\d+)$/i.test(rows)) throw wrongCaching('rows_per_partition', rows, "only 'ALL', 'NONE', and integer values are allowed")
  return { keys: keys.toUpperCase(), rows_per_partition: rows.toUpperCase() }
}

function wrongCaching(name: string, value: string, allowed: string): Error {
  return configError(`Invalid value '${value}' for caching sub-option '${name}': ${allowed}`)
}

function judge(given: Entries, known: Readonly<Record<string, Judge>>, unknownAre: (names: string[]) => string): void {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(known, name))
  if (unknown.length > 0) throw configError(unknownAre(unknown))
  for (const [name, value] of Object.entries(given)) {
    const problem = known[name]?.(name, value) ?? null
    if (problem !== null) throw configError(problem)
  }
}

/** As a `map<text, text>` is read. */
function sorted(entries: Entries): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
