export { httpPollSpec, type HeaderValue, type HttpPollOptions } from './http/options.ts'
export { type HttpWorld } from './http/request.ts'
export { randomUserSpec, type RandomUserOptions } from './random-user/spec.ts'
export { type RandomUser, type RandomUserField, type RandomUserNationality } from './random-user/random-user.ts'
export { chooseRandomUser, liveRandomUserUrl, type ChooseRandomUser } from './random-user/choose.ts'
export { startRandomUserStandIn, type RandomUserStandInOptions } from './random-user/stand-in/start.ts'
export { cursorTopicConfigs, runSource, type RunSource, type SourceRun } from './runner/run-source.ts'
export { type SourceKafka } from './runner/kafka-port.ts'
export { type SourceWorld } from './runner/open-source.ts'
export { openCassandraSink, type CassandraSinkOptions } from './cassandra/sink.ts'
export { cassandraOptions } from './cassandra/session.ts'
export { cqlTypeOf } from './cassandra/cql-type.ts'
export { ensureTable, type EnsureTable, type Replication, type TableSession } from './cassandra/ensure-table.ts'
export { sinkConformance, type SinkSuite, type SinkUnderTest } from './conformance/sink.ts'
export { sourceConformance, type SourceUnderTest } from './conformance/source.ts'
export { type TestApi } from './conformance/test-api.ts'
export { followFetched, type FetchedTotals } from './runner/cursor-store.ts'
export { kafkaOptions, type OauthTokens } from './kafka/kafka-options.ts'
export { createOauthTokens } from './kafka/oauth-tokens.ts'
export {
  ensureTopics,
  missingTopicsError,
  topicMaker,
  wantedTopic,
  type EnsuredTopics,
  type MissingTopic,
  type TopicAdmin,
  type WantedTopic,
} from './kafka/ensure-topics.ts'
