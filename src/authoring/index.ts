export { cassandraTable, type CassandraTable, type CassandraTableOptions } from './cassandra-table.ts'
export { dag, type Dag, type DagOptions, type Task, type TaskNode, type TaskOptions } from './dag.ts'
export { defineConfig } from './define-config.ts'
export type { BoundFlow, Flow, FlowResult } from './flow.ts'
export { schema, type InputOf, type OutputOf, type Schema } from './schema.ts'
export { secret } from './secret.ts'
export { stream, type FinishedStream, type SinkOptions, type StepOptions, type Stream, type StreamOptions } from './stream.ts'
export { topic, type Topic, type TopicOptions } from './topic.ts'
export type { Duration, RecordContext, SecretReference, TaskContext, UserConfig } from '../core/index.ts'
export { fileTail, generator, httpPoll, kafkaRecords, postgresQuery, randomUser, webhook } from './sources.ts'
export type {
  BadLine,
  FileTailOptions,
  GeneratorOptions,
  GeneratorRandom,
  HttpPollOptions,
  RandomUser,
  RandomUserOptions,
} from '../connectors/index.ts'
