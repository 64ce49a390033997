export type { Admin, ClusterMetadata, ConfigEntry, NewTopic } from './admin.ts'
export type { TransactionDescription } from './admin-transactions.ts'
export type { GroupDescription, GroupListing } from './admin-groups.ts'
export type { Batch, RecordHeader } from './batch.ts'
export { connectKafka, type KafkaClient } from './client.ts'
export type { CloseOptions } from './closing.ts'
export type { CommittedOffset } from './committed-offsets.ts'
export type { GroupConsumer } from './consumer.ts'
export { isLockedOut } from './errors.ts'
export type { ListedOffset, OffsetAt } from './list-offsets.ts'
export type {
  AssignedPartition,
  ConsumerOptions,
  GroupMetadata,
  IsolationLevel,
  KafkaConnectOptions,
  ProducerOptions,
  ReaderOptions,
  StartingPoint,
  TopicPartition,
  TransactionalProducerOptions,
} from './options.ts'
export { partitionForKey } from './murmur2.ts'
export type { OutgoingRecord, Producer } from './producer.ts'
export type { Acknowledged } from './producer-batch.ts'
export type { TopicReader } from './reader.ts'
export type { RecordCount, RecordCounter } from './record-counter.ts'
export type { OauthToken, SaslOptions } from './security.ts'
export type { TransactionGroup } from './transaction-coordinator.ts'
export type { TransactionalProducer } from './transactional-producer.ts'
export type { TransactionState } from './transaction-state.ts'
export type { Compression } from '../kafka-wire/index.ts'
export type { TlsOptions } from '../platform/index.ts'
