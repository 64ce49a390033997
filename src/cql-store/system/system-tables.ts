import type { CqlValue } from '../../cql-wire/index.ts'
import { formatType } from '../../cql-wire/index.ts'
import { optionMap, optionNumber, optionText, type Catalogue, type Table, type TableIndex } from '../schema/index.ts'
import type { Engine } from '../storage/index.ts'
import { indexTarget } from './create-statement.ts'
import { estimateSize } from './size-estimates.ts'
import { virtualTable, type VirtualTable, type VirtualValues } from './define.ts'
import { traceTables, type TraceLog } from './traces.ts'

/** The Cassandra whose protocol, schema tables and DESCRIBE this store speaks. */
export const releaseVersion = '5.0.0'
export const cqlVersion = '3.4.7'
export const clusterName = 'Millrace'
export const partitioner = 'org.apache.cassandra.dht.Murmur3Partitioner'

/** Of the only node. */
const ownToken = '-9223372036854775808'

export interface NodeFacts {
  catalogue: Catalogue
  engine: Engine
  /** An IP address that clients can reach. */
  address: string
  port: () => number
  traces: TraceLog
}

const tableColumns =
  'keyspace_name text, table_name text, additional_write_policy text, allow_auto_snapshot boolean, bloom_filter_fp_chance double, caching frozen<map<text, text>>, ' +
  'cdc boolean, comment text, compaction frozen<map<text, text>>, compression frozen<map<text, text>>, crc_check_chance double, dclocal_read_repair_chance double, default_time_to_live int, ' +
  'extensions frozen<map<text, blob>>, flags frozen<set<text>>, gc_grace_seconds int, id uuid, incremental_backups boolean, max_index_interval int, memtable text, ' +
  'memtable_flush_period_in_ms int, min_index_interval int, read_repair text, read_repair_chance double, speculative_retry text'

/** Every table that drivers and tools read to learn of the node and its schema. */
export function systemTables(facts: NodeFacts): VirtualTable[] {
  const stored: VirtualTable[] = [...nodeTables(facts), ...emptyTables(), ...traceTables(facts.traces, facts.address)]
  // The keyspaces of the system describe their own tables too, as stored ones: those of the schema among them.
  const described = (): Table[] => [...stored, ...schema].map(({ table }) => table)
  const schema = schemaTables(facts.catalogue, described)
  return [...stored, ...schema, ...virtualSchemaTables()]
}

function nodeTables({ catalogue, engine, address, port }: NodeFacts): VirtualTable[] {
  return [
    virtualTable(
      'system',
      'local',
      'key text, bootstrapped text, broadcast_address inet, broadcast_port int, cluster_name text, cql_version text, data_center text, gossip_generation int, ' +
        'host_id uuid, listen_address inet, listen_port int, native_protocol_version text, partitioner text, rack text, release_version text, rpc_address inet, ' +
        'rpc_port int, schema_version uuid, tokens set<text>, truncated_at map<uuid, blob>',
      1,
      0,
      () => [
        {
          key: 'local',
          bootstrapped: 'COMPLETED',
          broadcast_address: address,
          broadcast_port: 7000,
          cluster_name: clusterName,
          cql_version: cqlVersion,
          data_center: 'datacenter1',
          gossip_generation: 1,
          host_id: catalogue.hostId,
          listen_address: address,
          listen_port: 7000,
          native_protocol_version: '4',
          partitioner,
          rack: 'rack1',
          release_version: releaseVersion,
          rpc_address: address,
          rpc_port: port(),
          schema_version: catalogue.version,
          tokens: [ownToken],
        },
      ],
    ),
    virtualTable(
      'system',
      'size_estimates',
      'keyspace_name text, table_name text, range_start text, range_end text, mean_partition_size bigint, partitions_count bigint',
      1,
      3,
      () => sizeEstimates(catalogue, engine),
    ),
    virtualTable(
      'system',
      'table_estimates',
      'keyspace_name text, table_name text, range_type text, range_start text, range_end text, mean_partition_size bigint, partitions_count bigint',
      1,
      4,
      () => sizeEstimates(catalogue, engine).flatMap((row) => ['local_primary', 'primary'].map((type) => ({ ...row, range_type: type }))),
    ),
  ]
}

/** By these Spark's connector decides into how many ranges of tokens it splits a table. The one node owns the ring from its token to its token. */
function sizeEstimates(catalogue: Catalogue, engine: Engine): VirtualValues[] {
  return catalogue.tables().map((table) => {
    const { partitions, meanPartitionBytes } = estimateSize(table, engine)
    return {
      keyspace_name: table.keyspace,
      table_name: table.name,
      range_start: ownToken,
      range_end: ownToken,
      mean_partition_size: BigInt(meanPartitionBytes),
      partitions_count: BigInt(partitions),
    }
  })
}

/** Tables that a single node without roles or types leaves empty. */
function emptyTables(): VirtualTable[] {
  const empty = (keyspace: string, name: string, columns: string, key: number, clustering: number): VirtualTable =>
    virtualTable(keyspace, name, columns, key, clustering, () => [])
  return [
    empty(
      'system',
      'peers',
      'peer inet, data_center text, host_id uuid, preferred_ip inet, rack text, release_version text, rpc_address inet, schema_version uuid, tokens set<text>',
      1,
      0,
    ),
    empty(
      'system',
      'peers_v2',
      'peer inet, peer_port int, data_center text, host_id uuid, native_address inet, native_port int, preferred_ip inet, preferred_port int, rack text, ' +
        'release_version text, schema_version uuid, tokens set<text>',
      1,
      1,
    ),
    empty('system', 'built_views', 'keyspace_name text, view_name text, status_replicated boolean', 1, 1),
    empty('system', 'available_ranges_v2', 'keyspace_name text, full_ranges set<blob>, transient_ranges set<blob>', 1, 0),
    empty(
      'system_schema',
      'types',
      'keyspace_name text, type_name text, field_names frozen<list<text>>, field_types frozen<list<text>>',
      1,
      1,
    ),
    empty(
      'system_schema',
      'functions',
      'keyspace_name text, function_name text, argument_types frozen<list<text>>, argument_names frozen<list<text>>, body text, called_on_null_input boolean, language text, return_type text',
      1,
      2,
    ),
    empty(
      'system_schema',
      'aggregates',
      'keyspace_name text, aggregate_name text, argument_types frozen<list<text>>, final_func text, initcond text, return_type text, state_func text, state_type text',
      1,
      2,
    ),
    empty('system_schema', 'triggers', 'keyspace_name text, table_name text, trigger_name text, options frozen<map<text, text>>', 1, 2),
    empty(
      'system_schema',
      'views',
      'keyspace_name text, view_name text, base_table_id uuid, base_table_name text, where_clause text, include_all_columns boolean, ' +
        tableColumns.slice(tableColumns.indexOf('additional')).replace('flags frozen<set<text>>, ', ''),
      1,
      1,
    ),
    empty(
      'system_schema',
      'column_masks',
      'keyspace_name text, table_name text, column_name text, function_keyspace text, function_name text, function_argument_types frozen<list<text>>, function_argument_values frozen<list<text>>, function_argument_nulls frozen<list<boolean>>',
      1,
      2,
    ),
    empty('system_auth', 'roles', 'role text, can_login boolean, is_superuser boolean, member_of set<text>, salted_hash text', 1, 0),
  ]
}

function schemaTables(catalogue: Catalogue, described: () => Table[]): VirtualTable[] {
  const tables = (): Table[] => [...described(), ...catalogue.tables()]
  return [
    virtualTable(
      'system_schema',
      'keyspaces',
      'keyspace_name text, durable_writes boolean, replication frozen<map<text, text>>',
      1,
      0,
      () => [
        ...systemKeyspaces.map((name) => ({
          keyspace_name: name,
          durable_writes: true,
          replication: systemReplication(name),
        })),
        ...[...catalogue.keyspaces.values()].map(({ name, durableWrites, replication }) => ({
          keyspace_name: name,
          durable_writes: durableWrites,
          replication: Object.entries(replication),
        })),
      ],
    ),
    ...indexTables(catalogue),
    virtualTable('system_schema', 'tables', tableColumns, 1, 1, () => tables().map(tableValues)),
    virtualTable(
      'system_schema',
      'columns',
      'keyspace_name text, table_name text, column_name text, clustering_order text, column_name_bytes blob, kind text, position int, type text',
      1,
      2,
      () => tables().flatMap(columnValues),
    ),
    virtualTable(
      'system_schema',
      'dropped_columns',
      'keyspace_name text, table_name text, column_name text, dropped_time timestamp, kind text, type text',
      1,
      2,
      () =>
        tables().flatMap(({ keyspace, name, dropped }) =>
          dropped.map((column) => ({
            keyspace_name: keyspace,
            table_name: name,
            column_name: column.name,
            dropped_time: BigInt(column.droppedAtMicros) / 1_000n,
            kind: column.kind,
            type: formatType(column.type),
          })),
        ),
    ),
  ]
}

/** What indexes there are, and which of them are built. */
function indexTables(catalogue: Catalogue): VirtualTable[] {
  const all = (): { table: Table; index: TableIndex }[] =>
    catalogue.tables().flatMap((table) => table.indexes.map((index) => ({ table, index })))
  return [
    virtualTable(
      'system_schema',
      'indexes',
      'keyspace_name text, table_name text, index_name text, kind text, options frozen<map<text, text>>',
      1,
      2,
      () =>
        all().map(({ table, index }) => ({
          keyspace_name: table.keyspace,
          table_name: table.name,
          index_name: index.name,
          kind: 'COMPOSITES',
          options: [['target', indexTarget(index)]],
        })),
    ),
    // Its "table" is a keyspace, as in Cassandra.
    virtualTable('system', 'IndexInfo', 'table_name text, index_name text, value text', 1, 1, () =>
      all().flatMap(({ table, index }) => (index.progress.isBuilt ? [{ table_name: table.keyspace, index_name: index.name }] : [])),
    ),
  ]
}

export const systemKeyspaces = ['system', 'system_schema', 'system_auth', 'system_traces'] as const

/** As Cassandra has it: the node's own keyspaces are local, those of users and traces are copied. */
function systemReplication(name: (typeof systemKeyspaces)[number]): [string, string][] {
  if (name === 'system' || name === 'system_schema') return [['class', 'org.apache.cassandra.locator.LocalStrategy']]
  return [['class', 'org.apache.cassandra.locator.SimpleStrategy'], ['replication_factor', name === 'system_auth' ? '1' : '2']] // prettier-ignore
}

function tableValues({ keyspace, name, id, options, statics, clustering }: Table): VirtualValues {
  const flags = ['compound', ...(statics.length > 0 && clustering.length === 0 ? ['dense'] : [])]
  const numbers = [
    'bloom_filter_fp_chance',
    'crc_check_chance',
    'default_time_to_live',
    'gc_grace_seconds',
    'max_index_interval',
    'memtable_flush_period_in_ms',
    'min_index_interval',
  ]
  const texts = ['additional_write_policy', 'comment', 'read_repair', 'speculative_retry']
  const values: [string, CqlValue][] = [
    ...numbers.map((option): [string, CqlValue] => [option, optionNumber(options, option)]),
    ...texts.map((option): [string, CqlValue] => [option, optionText(options, option)]),
    // Cassandra writes these where they are not the standard ones alone; memtable can be no other here.
    ...['allow_auto_snapshot', 'incremental_backups'].map((option): [string, CqlValue] => [
      option,
      optionText(options, option) === 'true' ? null : false,
    ]),
    ...['caching', 'compaction', 'compression'].map((option): [string, CqlValue] => [option, optionMap(options, option)]),
  ]
  // As where `cdc_enabled` is off in cassandra.yaml, which is its standard.
  const cdc = null
  const obsolete = { dclocal_read_repair_chance: 0, read_repair_chance: 0 }
  return {
    keyspace_name: keyspace,
    table_name: name,
    id,
    flags,
    extensions: [],
    cdc,
    memtable: null,
    ...obsolete,
    ...Object.fromEntries(values),
  }
}

function columnValues(table: Table): VirtualValues[] {
  return table.columns.map((column) => ({
    keyspace_name: table.keyspace,
    table_name: table.name,
    column_name: column.name,
    clustering_order: column.kind === 'clustering' ? (column.descending ? 'desc' : 'asc') : 'none',
    column_name_bytes: Buffer.from(column.name),
    kind: column.kind,
    position: column.position,
    type: formatType(column.type),
  }))
}

/** The system's own tables, as drivers learn of them: all of them are virtual here. */
function virtualSchemaTables(): VirtualTable[] {
  return [
    virtualTable('system_virtual_schema', 'keyspaces', 'keyspace_name text', 1, 0, () => [{ keyspace_name: 'system_virtual_schema' }]),
    virtualTable('system_virtual_schema', 'tables', 'keyspace_name text, table_name text, comment text', 1, 1, () =>
      ['keyspaces', 'tables', 'columns'].map((name) => ({
        keyspace_name: 'system_virtual_schema',
        table_name: name,
        comment: `virtual ${name.slice(0, -1)} definitions`,
      })),
    ),
    virtualTable(
      'system_virtual_schema',
      'columns',
      'keyspace_name text, table_name text, column_name text, clustering_order text, column_name_bytes blob, kind text, position int, type text',
      1,
      2,
      () => [
        ...virtualColumns('keyspaces', 'keyspace_name text', 1),
        ...virtualColumns('tables', 'keyspace_name text, table_name text, comment text', 2),
        ...virtualColumns(
          'columns',
          'keyspace_name text, table_name text, column_name text, clustering_order text, column_name_bytes blob, kind text, position int, type text',
          3,
        ),
      ],
    ),
  ]
}

function virtualColumns(table: string, columns: string, keys: number): VirtualValues[] {
  return columns.split(', ').map((text, i) => {
    const [name = '', type = ''] = text.split(' ')
    const kind = i === 0 ? 'partition_key' : i < keys ? 'clustering' : 'regular'
    return {
      keyspace_name: 'system_virtual_schema',
      table_name: table,
      column_name: name,
      clustering_order: kind === 'clustering' ? 'asc' : 'none',
      column_name_bytes: Buffer.from(name),
      kind,
      position: i === 0 ? 0 : i < keys ? i - 1 : -1,
      type,
    }
  })
}
