import type { Response } from '../../cql-wire/index.ts'
import type { CompiledModification, Scope } from '../query/index.ts'
import { partitionOfKey, type Waiter } from '../storage/index.ts'

/** With what is to be told beside it (protocol v4 §2.2, flag 0x08). */
export type Answer = Response & { warnings?: readonly string[] }

/** A waiter that may have something else to answer than a void RESULT. */
export interface AnsweringWaiter extends Waiter {
  answer(response: Answer): void
}

/** A statement of a batch. */
export interface Step {
  modification: CompiledModification
  scope: Scope
}

/** `unlogged_batch_across_partitions_warn_threshold` of Cassandra. */
const mostPartitions = 10

export function answered(waiter: Waiter, response: Answer): void {
  if ('answer' in waiter && typeof waiter.answer === 'function') waiter.answer(response)
  else waiter.committed()
}

/** Tells the client of an unlogged batch what Cassandra does when it is over many partitions. */
export function warnOfPartitions(steps: readonly Step[], waiter: Waiter): Waiter {
  if (steps.length <= mostPartitions) return waiter
  const keys = steps.flatMap(({ modification, scope }) => modification.prefixes(scope).map((prefix) => partitionOfKey(prefix).partitionKey))
  const partitions = new Set(keys.map((key) => Buffer.from(key).toString('latin1'))).size
  if (partitions <= mostPartitions) return waiter
  const tables = [...new Set(steps.map(({ modification: { table } }) => `${table.keyspace}.${table.name}`))]
  const warning =
    `Unlogged batch covering ${partitions} partitions detected against table${tables.length === 1 ? '' : 's'} [${tables.join(', ')}]. ` +
    'You should use a logged batch for atomicity, or asynchronous writes for performance.'
  return {
    committed: () => answered(waiter, { opcode: 'RESULT', kind: 'void', warnings: [warning] }),
    refused: (error) => waiter.refused(error),
  }
}
