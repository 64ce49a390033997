export { deadLetterTopicConfigs } from './dead-letters.ts'
export { runStream, type RunStreamOptions } from './run-stream.ts'
export type { StreamKafka } from './kafka-ports.ts'
export { readDeadLetters, type DeadLetter, type DeadLetterKafka, type Payload, type ReadDeadLettersOptions } from './read-dead-letters.ts'
