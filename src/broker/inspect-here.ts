import { systemDisk } from '../platform/index.ts'
import type { CheckedLog, DumpedBatch, RepairedLog } from './log/inspect.ts'

/** The partitions of a data folder of the broker's or of Kafka's, as files. Loaded when asked for. */
export interface LogFiles {
  /** `topic-partition` of each. */
  readonly partitions: readonly string[]
  /** Every sound batch, oldest first; with their records when asked for. @throws MillraceError NOT_FOUND */
  dump(partition: string, onBatch: (batch: DumpedBatch) => void, options?: { records?: boolean }): CheckedLog
  check(partition: string): CheckedLog
  /** Cuts at the first damage; null when there was none. The broker must not run. */
  repair(partition: string): Promise<RepairedLog | null>
}

export async function openLogFiles(dataDir: string): Promise<LogFiles> {
  const { checkLog, dumpLog, repairLog } = await import('./log/inspect.ts')
  const isPartition = (name: string): boolean =>
    /.-\d+$/.test(name) && systemDisk.list(`${dataDir}/${name}`).some((file) => file.endsWith('.log'))
  return {
    partitions: systemDisk.list(dataDir).filter(isPartition),
    dump: (partition, onBatch, options) => dumpLog(systemDisk, `${dataDir}/${partition}`, onBatch, options),
    check: (partition) => checkLog(systemDisk, `${dataDir}/${partition}`),
    repair: (partition) => repairLog(systemDisk, dataDir, partition),
  }
}
