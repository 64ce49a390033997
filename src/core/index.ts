export type { Json } from './json.ts'
export { describeType, type Field, type FieldForm, type FieldType } from './field-type.ts'
export {
  tableId,
  triggerRules,
  type DagDef,
  type FunctionRef,
  type Project,
  type RetryPolicy,
  type SchemaDef,
  type StreamNode,
  type TableDef,
  type TaskDef,
  type TopicDef,
  type Topology,
  type TriggerRule,
  type ValueFormat,
} from './definitions.ts'
export { bytesAt, keyHash, type Batch, type Header } from './batch.ts'
export { connectHeaders, deadLetterHeaders, deadLetterTopicConfigs } from './dead-letters.ts'
export { recordFailure, type FailureReason, type RecordFailure } from './record-failure.ts'
export { StepContext } from './step-context.ts'
export type { Outcome, Sink, SinkResult, Source, SourcePage, SourceSpec } from './connector.ts'
export type {
  CassandraEndpoint,
  Consistency,
  Endpoints,
  KafkaEndpoint,
  RandomUserEndpoint,
  RegistryEndpoint,
  SaslEndpoint,
  TlsEndpoint,
  TokenSource,
  TopicPolicy,
} from './endpoints.ts'
export type { Attributes, AttributeValue, SpanData } from './span-data.ts'
export { oauthToken, type OauthToken } from './oauth-token.ts'
export { startingStatus } from './task-messages.ts'
export type {
  AttemptId,
  FromFixes,
  FromLoader,
  FromStreams,
  FromTask,
  FromTokens,
  RunContext,
  StreamState,
  StreamStatus,
  TaskResult,
  ToFixes,
  ToLoader,
  ToStreams,
  ToTask,
  ToTokens,
} from './task-messages.ts'
export { durationMs, type Duration } from './duration.ts'
export { cqlNamePattern, names, projectNamePattern, topicNamePattern } from './names.ts'
export { plural } from './plural.ts'
export {
  definedSoFar,
  definition,
  definitionOf,
  describeProblems,
  type Defined,
  type FlowStep,
  type LoadedDefinition,
  type LoadedFlow,
  type LoadedStream,
  type Parse,
  type ParseResult,
  type RecordContext,
  type SourceFunction,
  type StepFunction,
  type TaskContext,
  type TaskFunction,
} from './loaded.ts'
export type {
  AlertsConfig,
  CassandraConfig,
  KafkaConfig,
  SaslConfig,
  SecretReference,
  SecretText,
  TlsConfig,
  TokenResult,
  UserConfig,
} from './config.ts'
export type { AlertName, AlertSubject, AlertsView, AlertTestView, AlertView } from './alert-views.ts'
export { recordKey } from './record-key.ts'
export type {
  DeadLetterDetail,
  DeadLetterPage,
  DeadLetterState,
  DeadLetterView,
  DoctorReport,
  DoctorStep,
  EndpointsView,
  FlowCounts,
  PartView,
  SettledLetter,
  StatusView,
} from './api-views.ts'
export type { AttemptState, AttemptView, DagView, RunDetail, RunState, RunView, TaskInstanceView, TaskState } from './run-views.ts'
export type { OffsetMove, ResetView, SourceCursorView, StreamOffsetsView } from './offset-views.ts'
export type { Change, PlanView, SchemaChange, StreamChange, TableChange, TopicChange } from './plan-view.ts'
