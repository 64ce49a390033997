import { invalid } from '../refusal.ts'
import { qualifiedName, type Table } from '../schema/index.ts'
import { partitionOfKey, partitionUpdateBytes, prefixLengthOf, tableOfKey, type StoredRecord } from '../storage/index.ts'
import { answered, type Step } from './answer.ts'
import type { Waiter } from '../storage/index.ts'

/** `batch_size_warn_threshold` and `batch_size_fail_threshold` of Cassandra. */
const warnBytes = 5 * 1024
const failBytes = 50 * 1024
/** `unlogged_batch_across_partitions_warn_threshold` of Cassandra. */
const mostPartitions = 10
/** Records of fewer bytes than a quarter of a threshold are below it in Cassandra's count too: nothing takes four times as much there. */
const mostGrowth = 4

/**
 * What Cassandra tells the client of a batch without conditions. Batches on one partition (of a keyspace: of all its tables) are not
 * measured, as there. `written`: the records that it wrote, `writtenBytes` all of them together.
 * @throws CqlRefusal of one that is over `batch_size_fail_threshold`
 */
export function batchWarnings(steps: readonly Step[], written: () => StoredRecord[], writtenBytes: number, isLogged: boolean): string[] {
  const mayBeLarge = writtenBytes * mostGrowth > warnBytes
  if (!mayBeLarge && (isLogged || steps.length <= mostPartitions)) return []
  const size = mayBeLarge ? sizeWarning(steps, written()) : null
  const partitions = isLogged ? null : partitionsWarning(steps)
  return [size, partitions].filter((warning) => warning !== null)
}

function sizeWarning(steps: readonly Step[], written: readonly StoredRecord[]): string | null {
  const tables = new Map(steps.map(({ modification: { table } }) => [table.number, table]))
  // What is written beside them are entries of indexes, of which Cassandra's mutations have none.
  const updates = Map.groupBy(
    written.filter(({ key }) => tables.has(tableOfKey(key))),
    ({ key }) => key.toString('latin1', 0, prefixLengthOf(key)),
  )
  if (!spansMutations(tables, updates)) return null
  let sizeBytes = 0
  for (const records of updates.values()) {
    const table = records[0] && tables.get(tableOfKey(records[0].key))
    sizeBytes += partitionUpdateBytes(records, (id) => table?.columns.find((column) => column.id === id)?.type.is === 'list')
  }
  if (sizeBytes <= warnBytes) return null
  if (sizeBytes > failBytes) throw invalid('Batch too large')
  const over = sizeBytes - warnBytes
  return `Batch for [${namesOf(steps)}] is of size ${sizeBytes}, exceeding specified threshold of ${warnBytes} by ${over}.`
}

/** True for more than one of Cassandra's mutations: what is written under one partition key in the tables of one keyspace is one. */
function spansMutations(tables: ReadonlyMap<number, Table>, updates: ReadonlyMap<string, readonly StoredRecord[]>): boolean {
  const mutations = new Set<string>()
  for (const [first] of updates.values()) {
    if (first) mutations.add(`${tables.get(tableOfKey(first.key))?.keyspace ?? ''}.${partitionKeyText(first.key)}`)
    if (mutations.size > 1) return true
  }
  return false
}

/** Of a stored key: the same for the same partition key, in whichever table. */
function partitionKeyText(key: Buffer): string {
  return Buffer.from(partitionOfKey(key).partitionKey).toString('latin1')
}

function partitionsWarning(steps: readonly Step[]): string | null {
  const partitions = new Set(steps.flatMap(({ modification, scope }) => modification.prefixes(scope).map(partitionKeyText))).size
  if (partitions <= mostPartitions) return null
  const plural = new Set(steps.map(({ modification: { table } }) => table)).size === 1 ? '' : 's'
  return (
    `Unlogged batch covering ${partitions} partitions detected against table${plural} [${namesOf(steps)}]. ` +
    'You should use a logged batch for atomicity, or asynchronous writes for performance.'
  )
}

function namesOf(steps: readonly Step[]): string {
  return [...new Set(steps.map(({ modification: { table } }) => qualifiedName(table)))].join(', ')
}

export function withWarnings(waiter: Waiter, warnings: readonly string[]): Waiter {
  if (warnings.length === 0) return waiter
  return {
    committed: () => answered(waiter, { opcode: 'RESULT', kind: 'void', warnings }),
    refused: (error) => waiter.refused(error),
  }
}
