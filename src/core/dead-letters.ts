import type { Header } from './batch.ts'
import { names } from './names.ts'
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

/** Where a failed record stood, and who failed on it. */
export interface DeadLetterOrigin {
  topic: string
  partition: number
  offset: bigint
  /** A consumer group. */
  group: string
  /** Of the group; the partition. */
  task: number
  /** P2's write time, so that a replay cannot win over newer versions; null: it has none. */
  writeMicros: bigint | null
}

/** What a dead letter carries after the record's own headers: where it came from, and why it failed. */
export function deadLetterHeaders(origin: DeadLetterOrigin, failure: Omit<RecordFailure, 'record'>): Header[] {
  const { topic, partition, offset, group, task, writeMicros } = origin
  const texts: [string, string | null][] = [
    [connectHeaders.topic, topic],
    [connectHeaders.partition, String(partition)],
    [connectHeaders.offset, String(offset)],
    [connectHeaders.connectorName, group],
    [connectHeaders.taskId, String(task)],
    [connectHeaders.stage, failure.reason],
    [connectHeaders.className, failure.step],
    [connectHeaders.exceptionClassName, failure.errorClass],
    [connectHeaders.exceptionMessage, failure.message],
    [connectHeaders.exceptionStackTrace, failure.stack],
    [names.writeTimeHeader, writeMicros === null ? null : String(writeMicros)],
  ]
  return texts.flatMap(([key, text]): Header[] => (text === null ? [] : [{ key, value: Buffer.from(text) }]))
}
