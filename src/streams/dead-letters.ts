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
 * Records of a dead-letter topic are kept until a person has seen them, may be larger than those of any topic they come from,
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
  const origin: [string, string | null][] = [
    [connectHeaders.topic, batch.topic],
    [connectHeaders.partition, String(batch.partition)],
    [connectHeaders.offset, String(batch.offsets[i])],
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
    headers: [...batch.headers(i), ...added],
    timestampMs: batch.timestampMs[i] ?? -1,
  }
}
