import { errorCodes } from '../../kafka-wire/index.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { offsetsTopic, type Topics } from '../topics/topics.ts'
import type { Transaction } from './transaction.ts'

/**
 * Ends a prepared transaction in each of its partitions; true once all markers are where readers see them. Partitions that were
 * deleted meanwhile need none. May be done again, and then only where it failed: `done` gathers the logs that have their marker.
 */
export async function writeMarkers(
  state: Transaction,
  {
    topics,
    groups,
    coordinatorEpoch,
  }: { topics: Pick<Topics, 'get'>; groups: Pick<GroupCoordinator, 'endTransaction'>; coordinatorEpoch: number },
  done: Set<PartitionLog>,
): Promise<boolean> {
  const commit = state.status === 'PrepareCommit'
  const { producerId, epoch } = state
  const waiting: Promise<boolean>[] = []
  for (const [name, partitions] of state.partitions) {
    for (const partition of partitions) {
      const log = topics.get(name)?.logs[partition]
      if (log && !done.has(log)) waiting.push(writeMarker(log, { producerId, epoch, commit, coordinatorEpoch }, done))
    }
  }
  const written = await Promise.all(waiting)
  if (!written.every(Boolean)) return false
  for (const partition of state.partitions.get(offsetsTopic) ?? []) groups.endTransaction(partition, producerId, commit)
  return true
}

async function writeMarker(
  log: PartitionLog,
  marker: Parameters<PartitionLog['appendMarker']>[0],
  done: Set<PartitionLog>,
): Promise<boolean> {
  const appended = log.appendMarker(marker)
  // A newer epoch than ours has written here: our transaction is over in this partition.
  const ended = appended.ok ? (await log.visible(appended.endOffset)) === null : appended.errorCode === errorCodes.INVALID_PRODUCER_EPOCH
  if (ended) done.add(log)
  return ended
}
