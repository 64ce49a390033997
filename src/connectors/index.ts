export { httpPollOptions, httpPollSpec, type HeaderValue, type HttpPollOptions } from './http/options.ts'
export { fileTailOptions, fileTailSpec, type BadLine, type FileTailOptions } from './file/options.ts'
export { generatorOptions, generatorSpec, type GeneratorOptions, type GeneratorRandom } from './generator/options.ts'
export { type HttpWorld } from './http/request.ts'
export {
  kafkaRecordsOptions,
  kafkaRecordsSpec,
  type BadKafkaRecord,
  type KafkaRecord,
  type KafkaRecordsOptions,
  type KafkaRecordsSasl,
  type KafkaRecordsTls,
} from './kafka-records/options.ts'
export { postgresQueryOptions, postgresQuerySpec, type PostgresQueryOptions } from './postgres/options.ts'
export { randomUserOptions, randomUserSpec, type RandomUserOptions } from './random-user/spec.ts'
export { type RandomUser, type RandomUserField, type RandomUserNationality } from './random-user/random-user.ts'
export { chooseRandomUser, liveRandomUserUrl, type ChooseRandomUser } from './random-user/choose.ts'
export { startRandomUserStandIn, type RandomUserStandInOptions } from './random-user/stand-in/start.ts'
export { cursorTopicConfigs, runSource, type RunSource, type SourceRun } from './runner/run-source.ts'
export { type SourceKafka } from './runner/kafka-port.ts'
export { openSource, type SourceEndpoints, type SourceWorld } from './runner/open-source.ts'
export { type OptionTable } from './option-table.ts'
export type { PolledSource } from './polled-source.ts'
export { cassandraSink, openCassandraSink, type CassandraSinkOptions } from './cassandra/sink.ts'
export { cassandraOptions } from './cassandra/session.ts'
export { cqlTypeOf } from './cassandra/cql-type.ts'
export { columnConverter } from './cassandra/cql-value.ts'
export { rowReader } from './cassandra/read-row.ts'
export { ensureTable, lookAtTable, type EnsureTable, type Replication, type TableSession } from './cassandra/ensure-table.ts'
export { sinkConformance, type SinkSuite, type SinkUnderTest } from './conformance/sink.ts'
export { rereadableSourceConformance, sourceConformance, type SourceUnderTest } from './conformance/source.ts'
export { type TestApi } from './conformance/test-api.ts'
export { forgetCursor, sourceCursors, type ForgettingKafka } from './runner/forget-cursor.ts'
export { followFetched, type FetchedTotals } from './runner/cursor-store.ts'
export { kafkaOptions, type OauthTokens } from './kafka/kafka-options.ts'
export { withTransactionRights } from './kafka/transaction-rights.ts'
export { createOauthTokens } from './kafka/oauth-tokens.ts'
export {
  deadLetterTopic,
  ensureTopics,
  lookAtTopics,
  missingTopicsError,
  topicMaker,
  wantedTopic,
  type EnsuredTopics,
  type MissingTopic,
  type StandingTopic,
  type TopicAdmin,
  type WantedTopic,
} from './kafka/ensure-topics.ts'
export {
  definitionsTopic,
  readDefinitions,
  writeDefinitions,
  type DefinitionRecord,
  type Definitions,
  type StreamRecord,
} from './values/definitions-log.ts'
export { webhookOptions, webhookSpec, type WebhookOptions } from './webhook/options.ts'
export { encodeRecord, type FieldProblem } from './values/encode-record.ts'
export { codecOfTopic, openTopicValues, planTopicValues, registerSchema, valuesError, type TopicValues } from './values/topic-values.ts'
