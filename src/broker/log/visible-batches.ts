import { readBatchHeader, type BatchHeader } from '../../kafka-wire/index.ts'
import { batchSizeAt } from './batch-view.ts'
import type { PartitionLog } from './partition-log.ts'

const readBytes = 1 << 20

/** All batches of a log that readers see, from its start. */
export function* visibleBatches(log: PartitionLog): Generator<{ bytes: Buffer; at: number; header: BatchHeader }> {
  for (let offset = log.logStartOffset; offset < log.highWatermark;) {
    const read = log.read(offset, readBytes, true)
    if (!read.ok || read.records.length === 0) return
    for (let at = 0; at < read.records.length; at += batchSizeAt(read.records, at)) {
      const header = readBatchHeader(read.records, at)
      if (!header) return
      offset = Number(header.baseOffset) + header.lastOffsetDelta + 1
      yield { bytes: read.records, at, header }
    }
  }
}
