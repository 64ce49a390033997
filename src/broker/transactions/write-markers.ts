import { errorCodes } from '../../kafka-wire/index.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { offsetsTopic, type Topics } from '../topics/topics.ts'
import type { Transaction } from './transaction.ts'

/**
 * Ends a prepared transaction in each of its partitions; true once all markers are where readers see them. Partitions that were
 * deleted meanwhile need none. May be done again: a marker that ends nothing does no harm.
 */
export async function writeMarkers(
  state: Transaction,
  { topics, groups, coordinatorEpoch }: { topics: Topics; groups: GroupCoordinator; coordinatorEpoch: number },
): Promise<boolean> {
  const commit = state.status === 'PrepareCommit'
  const { producerId, epoch } = state
  const waiting: Promise<boolean>[] = []
  for (const [name, partitions] of state.partitions) {
    for (const partition of partitions) {
      const log = topics.get(name)?.logs[partition]
      if (log) waiting.push(writeMarker(log, { producerId, epoch, commit, coordinatorEpoch }))
    }
  }
  const written = await Promise.all(waiting)
  if (!written.every(Boolean)) return false
  for (const partition of state.partitions.get(offsetsTopic) ?? []) groups.endTransaction(partition, producerId, commit)
  return true
}

async function writeMarker(log: PartitionLog, marker: Parameters<PartitionLog['appendMarker']>[0]): Promise<boolean> {
  const appended = log.appendMarker(marker)
  // A newer epoch than ours has written here: our transaction is over in this partition.
  if (!appended.ok) return appended.errorCode === errorCodes.INVALID_PRODUCER_EPOCH
  return (await log.visible(appended.endOffset)) === null
}
