export { runStream, type RunStreamOptions } from './run-stream.ts'
export type { StreamAdmin, StreamConsumer, StreamKafka, StreamProducer } from './kafka-ports.ts'
export { readDeadLetters, type DeadLetter, type DeadLetterKafka, type Payload, type ReadDeadLettersOptions } from './read-dead-letters.ts'
