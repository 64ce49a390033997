import { MillraceError } from '../../platform/index.ts'
import { invalidConfigValue, type ConfigDefinition } from './config-definition.ts'
import { topicConfigDefinitions } from './topic-configs.ts'

const own: readonly ConfigDefinition[] = [
  {
    name: 'auto.create.topics.enable',
    type: 'boolean',
    default: 'true',
    doc: 'Whether asking for the metadata of a missing topic creates it.',
  },
  { name: 'broker.id', type: 'int', default: '1', doc: 'Number of this broker in the cluster of one.' },
  { name: 'connections.max.idle.ms', type: 'long', default: '600000', min: 0, doc: 'A connection without requests for so long is closed.' },
  {
    name: 'connections.max.reauth.ms',
    type: 'long',
    default: '0',
    min: 0,
    doc: 'How long a client that signed in is heard before it must sign in again; 0: for ever.',
  },
  { name: 'default.replication.factor', type: 'int', default: '1', min: 1, doc: 'Replicas of a new topic. There is one.' },
  { name: 'fetch.max.bytes', type: 'int', default: '57671680', min: 1024, doc: 'Most bytes that one fetch answer carries.' },
  {
    name: 'group.consumer.assignors',
    type: 'list',
    default: 'uniform,range',
    oneOf: ['uniform', 'range'],
    doc: 'Assignors of groups whose assignments the broker makes (KIP-848); members choose, the first is the default.',
  },
  {
    name: 'group.consumer.heartbeat.interval.ms',
    type: 'int',
    default: '5000',
    min: 1,
    doc: 'How often members of such groups are told to show themselves.',
  },
  { name: 'group.consumer.max.size', type: 'int', default: '2147483647', min: 1, doc: 'Most members of one such group.' },
  {
    name: 'group.consumer.migration.policy',
    type: 'string',
    default: 'bidirectional',
    oneOf: ['bidirectional', 'upgrade', 'downgrade', 'disabled'],
    anyCase: true,
    doc: 'Which groups may change their protocol while they have members: classic ones when a member of KIP-848 joins, such ones when the last of those leaves.',
  },
  {
    name: 'group.consumer.session.timeout.ms',
    type: 'int',
    default: '45000',
    min: 1,
    doc: 'How long a member of such a group may be silent before it is put out.',
  },
  {
    name: 'group.initial.rebalance.delay.ms',
    type: 'int',
    default: '0',
    min: 0,
    doc: 'How long an empty group waits for more members at its first rebalance. Kafka waits 3 s.',
  },
  {
    name: 'group.max.session.timeout.ms',
    type: 'int',
    default: '1800000',
    min: 1,
    doc: 'Longest session timeout that a group member may ask for.',
  },
  { name: 'group.max.size', type: 'int', default: '2147483647', min: 1, doc: 'Most members of one group.' },
  {
    name: 'group.min.session.timeout.ms',
    type: 'int',
    default: '6000',
    min: 1,
    doc: 'Shortest session timeout that a group member may ask for.',
  },
  {
    name: 'log.cleaner.backoff.ms',
    type: 'long',
    default: '15000',
    min: 0,
    doc: 'Time between two looks for logs that are worth compacting.',
  },
  { name: 'log.cleaner.enable', type: 'boolean', default: 'true', doc: 'Whether topics with cleanup.policy compact are compacted.' },
  {
    name: 'log.retention.check.interval.ms',
    type: 'long',
    default: '300000',
    min: 1,
    doc: 'Time between two looks for segments whose retention is over.',
  },
  {
    name: 'max.incremental.fetch.session.cache.slots',
    type: 'int',
    default: '1000',
    min: 0,
    doc: 'Most fetch sessions (KIP-227) that are kept.',
  },
  {
    name: 'max.request.partition.size.limit',
    type: 'int',
    default: '2000',
    min: 1,
    doc: 'Most partitions in one answer of DescribeTopicPartitions.',
  },
  {
    name: 'follower.replication.throttled.rate',
    type: 'long',
    default: '9223372036854775807',
    min: 0,
    dynamic: true,
    doc: 'How fast partitions that move are copied, in bytes a second. There is one replica, so this changes nothing.',
  },
  {
    name: 'leader.replication.throttled.rate',
    type: 'long',
    default: '9223372036854775807',
    min: 0,
    dynamic: true,
    doc: 'How fast partitions that move are copied from, in bytes a second. There is one replica, so this changes nothing.',
  },
  { name: 'num.partitions', type: 'int', default: '1', min: 1, doc: 'Partitions of a topic created without saying how many.' },
  { name: 'offset.metadata.max.bytes', type: 'int', default: '4096', min: 0, doc: 'Longest metadata text of an offset commit.' },
  {
    name: 'offsets.retention.check.interval.ms',
    type: 'long',
    default: '600000',
    min: 1,
    doc: 'Time between two looks for offsets whose retention is over.',
  },
  { name: 'offsets.retention.minutes', type: 'int', default: '10080', min: 1, doc: 'How long the offsets of an empty group are kept.' },
  {
    name: 'offsets.topic.num.partitions',
    type: 'int',
    default: '1',
    min: 1,
    doc: 'Partitions of __consumer_offsets. Kafka has 50; one shares its syncs better on one node.',
  },
  { name: 'offsets.topic.replication.factor', type: 'short', default: '1', min: 1, doc: 'Replicas of __consumer_offsets. There is one.' },
  { name: 'offsets.topic.segment.bytes', type: 'int', default: '104857600', min: 1, doc: 'Segment size of __consumer_offsets.' },
  {
    name: 'producer.id.expiration.ms',
    type: 'int',
    default: '86400000',
    min: 1,
    doc: 'How long the sequence numbers of an idle producer are remembered.',
  },
  {
    name: 'queued.max.requests',
    type: 'int',
    default: '500',
    min: 1,
    doc: 'Requests of one connection that may wait for their answer before its socket is no longer read.',
  },
  {
    name: 'sasl.enabled.mechanisms',
    type: 'list',
    default: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    doc: 'SASL mechanisms on listeners with credentials.',
  },
  {
    name: 'transaction.max.timeout.ms',
    type: 'int',
    default: '900000',
    min: 1,
    doc: 'Longest time a producer may ask for until its transaction is aborted.',
  },
  {
    name: 'transaction.remove.expired.transaction.cleanup.interval.ms',
    type: 'int',
    default: '3600000',
    min: 1,
    doc: 'Time between two looks for transactional ids to forget.',
  },
  {
    name: 'transaction.state.log.num.partitions',
    type: 'int',
    default: '1',
    min: 1,
    doc: 'Partitions of __transaction_state. Kafka has 50; one shares its syncs better on one node.',
  },
  { name: 'transaction.state.log.segment.bytes', type: 'int', default: '104857600', min: 1, doc: 'Segment size of __transaction_state.' },
  {
    name: 'transactional.id.expiration.ms',
    type: 'int',
    default: '604800000',
    min: 1,
    doc: 'How long a transactional id without a transaction is remembered.',
  },
  { name: 'socket.request.max.bytes', type: 'int', default: '104857600', min: 1, doc: 'Largest request that is read.' },
]

/** Broker settings of Kafka 4 that mean something here, sorted by name; a table of data. */
export const brokerConfigDefinitions: readonly ConfigDefinition[] = [
  ...own,
  ...topicConfigDefinitions.flatMap(({ broker, ...definition }) =>
    broker ? [{ ...definition, name: broker, dynamic: true as const }] : [],
  ),
].toSorted((a, b) => (a.name < b.name ? -1 : 1))

const byName = new Map(brokerConfigDefinitions.map((definition) => [definition.name, definition]))

type Overrides = Readonly<Record<string, string>>

/** Settings that were changed while the broker ran: of this broker, of all brokers, and by group. */
export interface DynamicSettings {
  readonly broker: Overrides
  readonly defaults: Overrides
  readonly groups: Readonly<Record<string, Overrides>>
}

export const noDynamicSettings: DynamicSettings = { broker: {}, defaults: {}, groups: {} }

/** The broker's settings: each as it is now, whenever it is asked for. */
export interface BrokerConfig {
  /** Given at the start. */
  readonly overrides: Overrides
  /** Changed since, and kept (KIP-226); set by whoever has made sure that it is on the disk. */
  dynamic: DynamicSettings
  /** The value that counts, as text; null when there is neither an override nor a default. */
  text(name: string): string | null
  /** The value that counts, as a number. */
  number(name: string): number
  flag(name: string): boolean
}

/** @throws MillraceError CONFIG_INVALID for an unknown name or a bad value */
export function resolveBrokerConfig(overrides: Overrides): BrokerConfig {
  for (const [name, value] of Object.entries(overrides)) {
    const definition = byName.get(name)
    const wrong = definition ? invalidConfigValue(definition, value) : `there is no broker config ${name}`
    if (wrong) throw new MillraceError('CONFIG_INVALID', `Broker config: ${wrong}.`, { details: { config: name } })
  }
  const config: BrokerConfig = {
    overrides: Object.freeze({ ...overrides }),
    dynamic: noDynamicSettings,
    text: (name) => config.dynamic.broker[name] ?? config.dynamic.defaults[name] ?? overrides[name] ?? byName.get(name)?.default ?? null,
    number: (name) => Number(config.text(name)),
    flag: (name) => config.text(name)?.trim().toLowerCase() === 'true',
  }
  return config
}

/** What is wrong with settings that are to be changed while the broker runs; null when all is well. */
export function invalidDynamicConfigs(settings: Overrides): string | null {
  for (const [name, value] of Object.entries(settings)) {
    const definition = byName.get(name)
    if (!definition?.dynamic) return `${name} cannot be changed while the broker runs`
    const wrong = invalidConfigValue(definition, value)
    if (wrong) return wrong
  }
  return null
}
