import { bytesAt, deadLetterHeaders, names, type Batch, type Header, type RecordFailure } from '../core/index.ts'
import type { OutgoingRecord } from './kafka-ports.ts'

/**
 * A failed record as it goes to the dead-letter topic (P5): key, value, headers and time untouched, and after the record's
 * own headers where it came from and why it failed. `stage` is the failure's reason, `class.name` the step's id,
 * `task.id` the partition (a stream's task); `millrace.w` its write time, so that a replay cannot win over newer versions (P2).
 */
export function deadLetterRecord(project: string, stream: string, batch: Batch, failure: RecordFailure): OutgoingRecord {
  const i = failure.record
  const isReplayed = batch.topic === names.retry(project, stream)
  const headers = batch.headers(i)
  const at = (isReplayed ? originOf(headers) : null) ?? { topic: batch.topic, partition: batch.partition, offset: batch.offsets[i] ?? -1n }
  const origin = { ...at, group: names.group(project, stream), task: batch.partition, writeMicros: batch.writeMicros[i] ?? 0n }
  const added = deadLetterHeaders(origin, failure)
  return {
    topic: names.deadLetters(project, stream),
    key: bytesAt(batch, batch.keyAt, i),
    value: bytesAt(batch, batch.valueAt, i),
    // What a replay adds is kept, but for what is told again.
    headers: [
      ...(isReplayed ? headers.filter(({ key }) => key !== names.writeTimeHeader && key !== names.originHeader) : headers),
      ...added,
    ],
    timestampMs: batch.timestampMs[i] ?? -1,
  }
}

/** Where a replayed record stood when it first failed; null when it does not say. */
function originOf(headers: readonly Header[]): { topic: string; partition: number; offset: bigint } | null {
  const text = headers.findLast(({ key }) => key === names.originHeader)?.value
  const [, topic, partition, offset] = /^([^:]+):(\d{1,9}):(\d{1,18})$/.exec(text ? Buffer.from(text).toString() : '') ?? []
  return topic === undefined || partition === undefined || offset === undefined
    ? null
    : { topic, partition: Number(partition), offset: BigInt(offset) }
}
