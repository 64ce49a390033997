import { createPartitions, createTopics, deleteTopics, metadata } from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { create, noId, T, TIMEOUT_MS, type KafkaAction } from './requests.ts'

/** Making topics and asking for them. */
export const topicActions: readonly KafkaAction[] = [
  { name: 'create a topic', run: create({ name: T, numPartitions: 3 }) },
  { name: 'create it again', run: create({ name: T, numPartitions: 3 }) },
  { name: 'create with defaults', run: create({ name: 'defaults', numPartitions: -1, replicationFactor: -1 }) },
  { name: 'create only to validate', run: create({ name: 'validated' }, true) },
  { name: 'create with a bad name', run: create({ name: 'no spaces' }) },
  { name: 'create with an empty name', run: create({ name: '' }) },
  { name: 'create with a long name', run: create({ name: 'x'.repeat(250) }) },
  { name: 'create with a name like another', run: create({ name: 'a.b' }) },
  { name: 'create with a name that collides', run: create({ name: 'a_b' }) },
  { name: 'create with no partitions', run: create({ name: 'p0', numPartitions: 0 }) },
  { name: 'create with too many replicas', run: create({ name: 'r3', replicationFactor: 3 }) },
  { name: 'create with no replicas', run: create({ name: 'r0', replicationFactor: 0 }) },
  { name: 'create with a config', run: create({ name: 'compacted', configs: [{ name: 'cleanup.policy', value: 'compact' }] }) },
  { name: 'create with an unknown config', run: create({ name: 'c1', configs: [{ name: 'no.such', value: '1' }] }) },
  { name: 'create with a bad config', run: create({ name: 'c2', configs: [{ name: 'retention.ms', value: 'soon' }] }) },
  {
    name: 'create with an assignment',
    run: create({ name: 'assigned', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
  },
  {
    name: 'create with an assignment to nobody',
    run: create({ name: 'a9', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [9] }] }),
  },
  {
    name: 'metadata of a topic',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: T }], allowAutoTopicCreation: false }),
  },
  {
    name: 'metadata of a missing topic',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: 'missing' }], allowAutoTopicCreation: false }),
  },
  {
    name: 'metadata of a bad name',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: 'no spaces' }], allowAutoTopicCreation: true }),
  },
  {
    name: 'metadata of a bad name that is not to be made',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: 'no spaces' }], allowAutoTopicCreation: false }),
  },
  {
    name: 'metadata of an unknown id',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: '00000000-0000-0000-0000-000000000009', name: null }] }),
  },
  { name: 'metadata of none', run: (kafka) => kafka.ask(metadata, 12, { topics: [] }) },
  { name: 'create twice in one request', run: (kafka) => createSeveral(kafka, ['twin', 'twin']) },
  { name: 'create a dot', run: create({ name: '.' }) },
  { name: 'create with a null config', run: create({ name: 'c3', configs: [{ name: 'retention.ms', value: null }] }) },
  {
    name: 'create with two policies',
    run: create({ name: 'both', configs: [{ name: 'cleanup.policy', value: 'compact,delete' }] }),
  },
  { name: 'create for old and new records', run: create({ name: 'second', numPartitions: 2 }) },
  ...[0, 1, 4, 5, 7, 8, 9, 10, 11].map((version): KafkaAction => ({
    name: `metadata in version ${version}`,
    run: (kafka) =>
      kafka.ask(metadata, version, {
        topics: [{ name: T }, ...(version < 4 ? [] : [{ name: 'missing' }])],
        allowAutoTopicCreation: version < 4,
      }),
  })),
]

/** Growing topics and deleting them; last of all, since it takes away what others use. */
export const lastActions: readonly KafkaAction[] = [
  ...[5, 5, 2, 0].map((count, at): KafkaAction => ({
    name: `raise the partitions to ${count} (${at})`,
    run: (kafka) =>
      kafka.ask(createPartitions, 3, { topics: [{ name: T, count, assignments: null }], timeoutMs: TIMEOUT_MS, validateOnly: false }),
  })),
  {
    name: 'raise the partitions of a missing topic',
    run: (kafka) =>
      kafka.ask(createPartitions, 3, {
        topics: [{ name: 'missing', count: 2, assignments: null }],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      }),
  },
  { name: 'delete a topic', run: (kafka) => kafka.ask(deleteTopics, 5, { topicNames: ['assigned'], timeoutMs: TIMEOUT_MS }) },
  { name: 'delete it again', run: (kafka) => kafka.ask(deleteTopics, 5, { topicNames: ['assigned'], timeoutMs: TIMEOUT_MS }) },
  {
    name: 'delete a missing topic',
    run: (kafka) => kafka.ask(deleteTopics, 6, { topics: [{ topicId: noId, name: 'missing' }], timeoutMs: TIMEOUT_MS }),
  },
  {
    name: 'delete an unknown id',
    run: (kafka) =>
      kafka.ask(deleteTopics, 6, { topics: [{ name: null, topicId: '00000000-0000-0000-0000-000000000009' }], timeoutMs: TIMEOUT_MS }),
  },
]

const createSeveral = (kafka: RawKafka, names: string[]): Promise<unknown> =>
  kafka.ask(createTopics, 7, {
    topics: names.map((name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] })),
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  })
