export {
  testStream,
  type PushedRecord,
  type StreamTest,
  type TestableStream,
  type TestDeadLetter,
  type TestStreamOptions,
} from './test-stream.ts'
export type { RefusesRow } from './memory-table.ts'
export {
  startKafka,
  type KafkaFailure,
  type ProducedRecord,
  type StartKafkaOptions,
  type TestKafka,
  type TestKafkaRecord,
  type TestTopic,
} from './start-kafka.ts'
export { startCqlStore, type CqlFailure, type CqlRequestName, type StartTestCqlStoreOptions, type TestCqlStore } from './start-cql-store.ts'
export {
  startSchemaRegistry,
  type RegistryFailure,
  type RegistryFailureAnswer,
  type StartSchemaRegistryOptions,
  type TestSchemaRegistry,
} from './start-schema-registry.ts'
