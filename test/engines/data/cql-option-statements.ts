import type { CqlFamily } from './cql-statements.ts'

/** Tried of one option of each kind. */
const anyValues = [
  "'3600'", '36.5', "'36.5'", "'x'", "'-1'", '-1', '0', 'true', "'true'", "'TRUE'", "'yes'", "'no'", 'false', '1', "'1'", "'1e1'", "' 1'", "'+1'", "'0.5'", '0.5', "'NaN'",
  '{}', "{'a': 1}", "''", 'null', '2147483648', '630720001', "{'keys': 'ALL'}", "{'class': 'SizeTieredCompactionStrategy'}", '[1]', 'abc',
] // prettier-ignore
const notOfThisKind = ["'x'", '{}', "''"]
const delays = [
  "'99p'", "'99PERCENTILE'", "'99.9p'", "'100p'", "'101p'", "'0p'", "'99.99percentile'", "'.5p'", "'5.p'", "'1.2.3p'", "'99 p'", "'99.0p'", "'-1p'", "'50ms'", "'0.5ms'", "'1.9ms'", "'50MS'", "'1.2.3ms'", "'ms'", "'ALWAYS'", "'always'", "'NONE'", "'NONE '", "'NEVER'", "'never'",
  "'MIN(99p,50ms)'", "'max(99p, 50ms)'", "'MAX(99PERCENTILE,50MS)'", "'min(50ms,99p)'", "'MAX(99p,90p)'", "'MIN(99p)'", "'MIN(ALWAYS,50ms)'", "'custom'", '5',
] // prettier-ignore

const scalars: Readonly<Record<string, readonly string[]>> = {
  additional_write_policy: [...notOfThisKind, "'75p'", "'20ms'", "'NEVER'"],
  allow_auto_snapshot: [...notOfThisKind, "'no'"],
  bloom_filter_fp_chance: [...anyValues, "'6.71E-5'", '0.00007', '1.1'],
  cdc: [...anyValues, "'0'", "'YES'"],
  comment: [...anyValues, "'it''s'", "'Ü'"],
  crc_check_chance: [...notOfThisKind, '0', '1.01', '-0.1', "'1d'", "'0.5f'"],
  default_time_to_live: [...notOfThisKind, '-1', '630720000', '630720001'],
  gc_grace_seconds: anyValues,
  incremental_backups: [...notOfThisKind, 'false'],
  max_index_interval: [...notOfThisKind, '-1', '127', '128', '4096'],
  memtable: [...notOfThisKind, "'default'", "'skiplist'"],
  memtable_flush_period_in_ms: [...notOfThisKind, '-1', '5'],
  min_index_interval: [...notOfThisKind, '0', '256', '8000'],
  read_repair: ["'none'", "'BLOCKING'", '{}'],
  speculative_retry: [...notOfThisKind, ...delays],
  nonsense: notOfThisKind,
  "comment = 'a' AND comment": ["'b'"],
}

const ofStrategies: Readonly<Record<string, readonly string[]>> = {
  SizeTiered: [
    "'min_threshold': 2, 'max_threshold': 64", "'min_threshold': 64", "'min_threshold': 1", "'min_threshold': 0", "'min_threshold': 'x'", "'max_threshold': 0", "'bucket_low': 0.4, 'bucket_high': 1.4, 'min_sstable_size': 10", "'bucket_low': 'x'", "'bucket_low': 2", "'bucket_high': 0.4", "'min_sstable_size': 'x'", "'min_sstable_size': -1",
    "'enabled': false", "'enabled': 'x'", "'enabled': 'TRUE'", "'tombstone_threshold': 0.3, 'tombstone_compaction_interval': 100, 'unchecked_tombstone_compaction': true", "'tombstone_threshold': 'x'", "'tombstone_threshold': -0.1", "'tombstone_threshold': 1.1", "'tombstone_compaction_interval': 'x'", "'tombstone_compaction_interval': -1", "'unchecked_tombstone_compaction': 'x'", "'log_all': true", "'log_all': 'x'", "'only_purge_repaired_tombstones': true", "'provide_overlapping_tombstones': 'ROW'", "'sstable_size_in_mb': 10", "'cold_reads_to_omit': 0.1", "'nonsense': 1",
  ],
  Leveled: ["'sstable_size_in_mb': 64", "'sstable_size_in_mb': 0", "'sstable_size_in_mb': 'x'", "'fanout_size': 5", "'fanout_size': 0", "'fanout_size': 'x'", "'single_sstable_uplevel': false", "'bucket_low': 0.4", "'min_sstable_size': 5", "'nonsense': 1, 'other': 2"],
  TimeWindow: ["'compaction_window_unit': 'HOURS', 'compaction_window_size': 2", "'compaction_window_unit': 'hours'", "'compaction_window_unit': 'YEARS'", "'compaction_window_size': 0", "'compaction_window_size': 'x'", "'timestamp_resolution': 'MILLISECONDS'", "'timestamp_resolution': 'x'", "'expired_sstable_check_frequency_seconds': 5", "'expired_sstable_check_frequency_seconds': 'x'", "'unsafe_aggressive_sstable_expiration': true", "'unsafe_aggressive_sstable_expiration': false", "'min_threshold': 2"],
  Unified: ["'scaling_parameters': 'T4, L10'", "'scaling_parameters': 'N, 2, -3'", "'scaling_parameters': 'X4'", "'target_sstable_size': '1GiB'", "'target_sstable_size': 'x'", "'base_shard_count': 4", "'base_shard_count': 0", "'sstable_growth': 0.3", "'sstable_growth': 3", "'flush_size_override': '10MiB'", "'min_sstable_size': '10MiB'", "'max_sstables_to_compact': 10", "'overlap_inclusion_method': 'TRANSITIVE'", "'overlap_inclusion_method': 'x'", "'tombstone_threshold': 0.3", "'min_threshold': 2", "'bucket_low': 0.4"],
} // prettier-ignore

const compactions = [
  '{}', "'x'", "{'a': 1}", "{'class': 'NoSuchStrategy'}", "{'class': 'DateTieredCompactionStrategy'}", "{'class': 'org.apache.cassandra.db.compaction.LeveledCompactionStrategy'}",
  ...Object.entries(ofStrategies).flatMap(([name, settings]) => [`{'class': '${name}CompactionStrategy'}`, ...settings.map((own) => `{'class': '${name}CompactionStrategy', ${own}}`)]),
] // prettier-ignore

const lz4 = [
  "'chunk_length_in_kb': 64", "'chunk_length_in_kb': 3", "'chunk_length_in_kb': 'x'", "'chunk_length_in_kb': 0", "'chunk_length_in_kb': -4", "'chunk_length_in_kb': 2097152", "'chunk_length': '64KiB'", "'chunk_length_kb': 32", "'min_compress_ratio': 1.1", "'min_compress_ratio': -1", "'min_compress_ratio': 0.5", "'max_compressed_length': '16KiB'", "'lz4_compressor_type': 'high', 'lz4_high_compressor_level': 10", "'lz4_compressor_type': 'x'", "'lz4_high_compressor_level': 'x'", "'compression_level': 5", "'crc_check_chance': 0.5", "'nonsense': 1", "'enabled': true", "'enabled': 'x'", "'enabled': 'false'",
].map((own) => `{'class': 'LZ4Compressor', ${own}}`) // prettier-ignore

const compressions = [
  "{'class': 'LZ4Compressor'}", ...lz4, "{'class': 'SnappyCompressor'}", "{'class': 'DeflateCompressor'}", "{'class': 'DeflateCompressor', 'compression_level': 5}", "{'class': 'NoopCompressor'}", "{'class': 'ZstdCompressor', 'compression_level': 5}", "{'class': 'ZstdCompressor', 'compression_level': 'x'}", "{'class': 'ZstdCompressor', 'compression_level': 100}", "{'class': 'ZstdCompressor', 'compression_level': -3}",
  "{'class': 'org.apache.cassandra.io.compress.DeflateCompressor'}", "{'class': 'NoSuch'}", "{'class': 'lz4'}", "{'class': ''}", '{}', "'x'", "{'a': 1}", "{'sstable_compression': 'LZ4Compressor'}", "{'enabled': false}", "{'enabled': true}", "{'enabled': 'x'}",
] // prettier-ignore

const cachings = [
  ...anyValues, "{'keys': 'NONE'}", "{'keys': 'none', 'rows_per_partition': 'ALL'}", "{'rows_per_partition': 10}", "{'rows_per_partition': '-1'}", "{'rows_per_partition': 'x'}", "{'keys': 'x'}", "{'keys': 'ALL', 'other': '1'}",
] // prettier-ignore

const kept =
  'additional_write_policy, allow_auto_snapshot, bloom_filter_fp_chance, caching, cdc, comment, compaction, compression, crc_check_chance, default_time_to_live, gc_grace_seconds, incremental_backups, max_index_interval, memtable, memtable_flush_period_in_ms, min_index_interval, read_repair, speculative_retry'

function familyOf(name: string, keyspace: string, options: Readonly<Record<string, readonly string[]>>): CqlFamily {
  const all = Object.entries(options).flatMap(([option, values]) => values.map((value) => `${option} = ${value}`))
  const look = (table: string): string =>
    `SELECT ${kept} FROM system_schema.tables WHERE keyspace_name = '${keyspace}' AND table_name = '${table}'`
  return {
    name: `options of a table: ${name}`,
    statements: [
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      `CREATE TABLE ${keyspace}.t (a int PRIMARY KEY)`,
      ...all.flatMap((option) => [`ALTER TABLE ${keyspace}.t WITH ${option}`, look('t')]),
      // CREATE takes the same: a few of each suffice.
      ...all
        .filter((_, at) => at % 13 === 0)
        .flatMap((option, at) => [`CREATE TABLE ${keyspace}.t${at} (a int PRIMARY KEY) WITH ${option}`, look(`t${at}`)]),
      `CREATE TABLE ${keyspace}.leveled (a int PRIMARY KEY) WITH compaction = {'class': 'LeveledCompactionStrategy'}`,
      look('leveled'),
      `DROP KEYSPACE ${keyspace}`,
    ],
  }
}

/** Options of a table: which values each takes, what refuses the others, and what is kept of them. */
export const cqlOptionFamilies: readonly CqlFamily[] = [
  familyOf('one value', 'oa', scalars),
  familyOf('compaction', 'ob', { compaction: compactions }),
  familyOf('compression and caching', 'oc', { compression: compressions, caching: cachings }),
]
