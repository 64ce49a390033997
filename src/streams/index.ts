export { OpenDeadLetters } from './count-dead-letters.ts'
export { DeadLetterBook, type DeadLetterFilter, type DeadLetterPage } from './dead-letter-book.ts'
export { planReset, resetOffsets, streamOffsets, type ResetKafka, type ResetOrder } from './reset-offsets.ts'
export { runStream, type RunStreamOptions } from './run-stream.ts'
export type {
  AssignedPartition,
  GroupMetadata,
  OffsetToCommit,
  OutgoingRecord,
  StreamConsumer,
  StreamConsumerOptions,
  StreamKafka,
  StreamTransactions,
  TopicPartition,
} from './kafka-ports.ts'
export { batchOf, type StoredRecord } from './record-batch.ts'
export { deadLettersOf, type DeadLetter, type Payload } from './read-dead-letters.ts'
export { settleDeadLetters, type SettleAction, type SettleOutcome } from './settle-dead-letters.ts'
