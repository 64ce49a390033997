export { runStream, type RunStreamOptions } from './run-stream.ts'
export type { StreamAdmin, StreamConsumer, StreamKafka, StreamProducer } from './kafka-ports.ts'
