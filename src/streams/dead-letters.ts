import { bytesAt, names, type Batch, type Header } from '../core/index.ts'
import type { OutgoingRecord } from './kafka-ports.ts'
import type { RecordFailure } from './record-failure.ts'

/** Header names of Kafka Connect's dead letter queue (KIP-298), which existing tools read. */
export const connectHeaders = {
  topic: '__connect.errors.topic',
  partition: '__connect.errors.partition',
  offset: '__connect.errors.offset',
  connectorName: '__connect.errors.connector.name',
  taskId: '__connect.errors.task.id',
  stage: '__connect.errors.stage',
  className: '__connect.errors.class.name',
  exceptionClassName: '__connect.errors.exception.class.name',
  exceptionMessage: '__connect.errors.exception.message',
  exceptionStackTrace: '__connect.errors.exception.stacktrace',
} as const

/**
 * Records of a dead-letter topic, and of that in which they go back, are kept until a person has seen them, may be larger than those of any topic they come from,
 * and keep their time even where it is the reason (KIP-937 would refuse a time far ahead).
 */
export const deadLetterTopicConfigs: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'cleanup.policy': 'delete',
  'max.message.bytes': String(64 * 1024 * 1024),
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.after.max.ms': '9223372036854775807',
}

/**
 * A failed record as it goes to the dead-letter topic (P5): key, value, headers and time untouched, and after the record's
 * own headers where it came from and why it failed. `stage` is the failure's reason, `class.name` the step's id,
 * `task.id` the partition (a stream's task); `millrace.w` its write time, so that a replay cannot win over newer versions (P2).
 */
export function deadLetterRecord(project: string, stream: string, batch: Batch, failure: RecordFailure): OutgoingRecord {
  const i = failure.record
  const isReplayed = batch.topic === names.retry(project, stream)
  const headers = batch.headers(i)
  const at = (isReplayed ? originOf(headers) : null) ?? { topic: batch.topic, partition: batch.partition, offset: batch.offsets[i] }
  const origin: [string, string | null][] = [
    [connectHeaders.topic, at.topic],
    [connectHeaders.partition, String(at.partition)],
    [connectHeaders.offset, String(at.offset)],
    [connectHeaders.connectorName, names.group(project, stream)],
    [connectHeaders.taskId, String(batch.partition)],
    [connectHeaders.stage, failure.reason],
    [connectHeaders.className, failure.step],
    [connectHeaders.exceptionClassName, failure.errorClass],
    [connectHeaders.exceptionMessage, failure.message],
    [connectHeaders.exceptionStackTrace, failure.stack],
    [names.writeTimeHeader, String(batch.writeMicros[i])],
  ]
  const added = origin.flatMap(([key, text]): Header[] => (text === null ? [] : [{ key, value: Buffer.from(text) }]))
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
