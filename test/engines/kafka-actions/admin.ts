import {
  alterPartitionReassignments,
  alterReplicaLogDirs,
  createAcls,
  deleteAcls,
  describeAcls,
  describeCluster,
  describeGroups,
  metadata,
  describeConfigs,
  describeQuorum,
  describeTopicPartitions,
  electLeaders,
  incrementalAlterConfigs,
  listConfigResources,
  listPartitionReassignments,
  updateFeatures,
} from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { noId, T, TIMEOUT_MS, type KafkaAction } from './requests.ts'

const on = 'Kafka 4'
const acl = { resourceType: 2, resourceName: 'r', principal: 'User:u', host: '*', operation: 3, permissionType: 3 }
const filter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

const elect =
  (electionType: number, topicPartitions: { topic: string; partitions: number[] }[] | null): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(electLeaders, 2, { electionType, topicPartitions, timeoutMs: TIMEOUT_MS })

const move =
  (topic: string, partitionIndex: number, replicas: number[] | null): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(alterPartitionReassignments, 1, {
      timeoutMs: TIMEOUT_MS,
      topics: [{ name: topic, partitions: [{ partitionIndex, replicas }] }],
    })

const feature =
  (name: string, maxVersionLevel: number, version = 2): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(updateFeatures, version, { timeoutMs: TIMEOUT_MS, featureUpdates: [{ feature: name, maxVersionLevel }], validateOnly: true })

const topicsPage =
  (names: string[], responsePartitionLimit: number, cursor: { topicName: string; partitionIndex: number } | null): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(describeTopicPartitions, 0, { topics: names.map((name) => ({ name })), responsePartitionLimit, cursor })

const groupConfig =
  (name: string, value: string | null, configOperation = 0): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(incrementalAlterConfigs, 1, {
      resources: [{ resourceType: 32, resourceName: 'configured', configs: [{ name, configOperation, value }] }],
      validateOnly: false,
    })

/** Of the settings of broker 1 the one that is asked for. */
async function brokerConfig(kafka: RawKafka, name: string, resourceName = '1') {
  const answer = await kafka.ask(describeConfigs, 4, {
    resources: [{ resourceType: 4, resourceName, configurationKeys: [name] }],
    includeSynonyms: true,
  })
  return answer.results.map(({ configs, ...result }) => ({ ...result, settings: configs.map((config) => ({ ...config })) }))
}

/** A setting of the broker, then of all brokers, changed while it runs (KIP-226); with KRaft it shows a little later. */
async function dynamicConfig(kafka: RawKafka): Promise<unknown> {
  const name = 'log.message.timestamp.before.max.ms'
  const set = (resourceName: string, value: string | null, configOperation = 0) =>
    kafka.ask(incrementalAlterConfigs, 1, {
      resources: [{ resourceType: 4, resourceName, configs: [{ name, configOperation, value }] }],
      validateOnly: false,
    })
  const shown = async (resourceName: string, value: string): Promise<unknown> => {
    for (;;) {
      const found = await brokerConfig(kafka, name, resourceName)
      if (found.some(({ settings }) => settings[0]?.value === value)) return found
    }
  }
  const out: Record<string, unknown> = { forAll: await set('', '9000000000000') }
  out['shownForAll'] = await shown('', '9000000000000')
  out['shownForOne'] = await shown('1', '9000000000000')
  out['forOne'] = await set('1', '8000000000000')
  out['bothShown'] = await shown('1', '8000000000000')
  out['readOnly'] = await kafka.ask(incrementalAlterConfigs, 1, {
    resources: [{ resourceType: 4, resourceName: '1', configs: [{ name: 'queued.max.requests', configOperation: 0, value: '7' }] }],
    validateOnly: false,
  })
  out['badValue'] = await set('1', 'soon')
  out['unsetForOne'] = await set('1', null, 1)
  out['unsetForAll'] = await set('', null, 1)
  out['shownAfter'] = await shown('1', '9223372036854775807')
  return out
}

/** Kafka lists topics in any order. */
async function electAll(kafka: RawKafka): Promise<unknown> {
  const answer = await kafka.ask(electLeaders, 2, { electionType: 0, topicPartitions: null, timeoutMs: TIMEOUT_MS })
  return { ...answer, replicaElectionResults: answer.replicaElectionResults.toSorted((a, b) => (a.topic < b.topic ? -1 : 1)) }
}

/** Kafka lists kinds in any order. */
async function resources(kafka: RawKafka): Promise<unknown> {
  const answer = await kafka.ask(listConfigResources, 1, { resourceTypes: [4, 8] })
  return { ...answer, configResources: answer.configResources.toSorted((a, b) => a.resourceType - b.resourceType) }
}

/** What administrators ask of one broker. */
export const adminActions: readonly KafkaAction[] = [
  {
    name: 'what may be done with the cluster',
    on,
    run: (kafka) => kafka.ask(describeCluster, 2, { includeClusterAuthorizedOperations: true }),
  },
  {
    name: 'what may be done with topics',
    run: (kafka) =>
      kafka.ask(metadata, 10, {
        topics: [T, 'missing'].map((name) => ({ name, topicId: noId })),
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: true,
        includeTopicAuthorizedOperations: true,
      }),
  },
  {
    name: 'what may be done with a group',
    on,
    run: (kafka) => kafka.ask(describeGroups, 6, { groups: ['g'], includeAuthorizedOperations: true }),
  },
  ...(
    [
      [8, ''],
      [8, '7'],
      [16, 'nothing'],
      [64, 'nothing'],
    ] as const
  ).map(([resourceType, resourceName]): KafkaAction => ({
    name: `configs of type ${resourceType} of "${resourceName}"`,
    on,
    run: (kafka) => kafka.ask(describeConfigs, 4, { resources: [{ resourceType, resourceName, configurationKeys: null }] }),
  })),
  ...[5, 6].map((version): KafkaAction => ({
    name: `what may be done with a missing group in version ${version}`,
    on,
    run: (kafka) => kafka.ask(describeGroups, version, { groups: ['missing'], includeAuthorizedOperations: true }),
  })),
  { name: 'elect a preferred leader', on, run: elect(0, [{ topic: T, partitions: [0] }]) },
  { name: 'elect an unclean leader', on, run: elect(1, [{ topic: T, partitions: [0] }]) },
  {
    name: 'elect leaders of unknown partitions',
    on,
    run: elect(0, [
      { topic: T, partitions: [99] },
      { topic: 'missing', partitions: [0] },
    ]),
  },
  { name: 'elect all leaders', on, run: electAll },
  { name: 'elect in no known way', on, run: elect(7, null) },
  { name: 'move a partition to where it is', on, run: move(T, 0, [1]) },
  { name: 'move a partition to nobody', on, run: move(T, 0, []) },
  { name: 'move a partition to a stranger', on, run: move(T, 0, [77]) },
  { name: 'move a partition twice to one', on, run: move(T, 0, [1, 1]) },
  { name: 'end a move that is none', on, run: move(T, 0, null) },
  { name: 'move an unknown partition', on, run: move(T, 99, [1]) },
  { name: 'move a partition of an unknown topic', on, run: move('missing', 0, [1]) },
  { name: 'list moves', on, run: (kafka) => kafka.ask(listPartitionReassignments, 0, { topics: null }) },
  {
    name: 'list moves of some',
    on,
    run: (kafka) =>
      kafka.ask(listPartitionReassignments, 0, {
        topics: [
          { name: T, partitionIndexes: [0] },
          { name: 'missing', partitionIndexes: [0] },
        ],
      }),
  },
  {
    name: 'move to an unknown folder',
    on,
    run: (kafka) => kafka.ask(alterReplicaLogDirs, 2, { dirs: [{ path: '/nowhere', topics: [{ name: T, partitions: [0, 99] }] }] }),
  },
  { name: 'describe access rules', on, run: (kafka) => kafka.ask(describeAcls, 3, filter) },
  { name: 'create an access rule', on, run: (kafka) => kafka.ask(createAcls, 3, { creations: [acl] }) },
  { name: 'delete access rules', on, run: (kafka) => kafka.ask(deleteAcls, 3, { filters: [filter] }) },
  { name: 'set a feature to its level', on, run: feature('transaction.version', 2) },
  { name: 'set an unknown feature', on, run: feature('no.such', 1) },
  { name: 'set an unknown feature in version 1', on, run: feature('no.such', 1, 1) },
  { name: 'set a feature to a level beyond all', on, run: feature('transaction.version', 99) },
  {
    name: 'describe the quorum of a topic',
    on,
    run: (kafka) => kafka.ask(describeQuorum, 2, { topics: [{ topicName: T, partitions: [{ partitionIndex: 0 }] }] }),
  },
  { name: 'what has settings of a strange kind', on, run: (kafka) => kafka.ask(listConfigResources, 1, { resourceTypes: [3] }) },
  { name: 'brokers that have settings', on, run: resources },
  { name: 'client metrics', on, run: (kafka) => kafka.ask(listConfigResources, 0, {}) },
  { name: 'some partitions of topics', on, run: topicsPage([T, 'second', 'three'], 2, null) },
  { name: 'the next partitions of topics', on, run: topicsPage([T, 'second', 'three'], 2, { topicName: 'three', partitionIndex: 1 }) },
  { name: 'partitions of unknown topics', on, run: topicsPage(['missing', 'a b', T], 100, null) },
  { name: 'set a config of a group', on, run: groupConfig('consumer.session.timeout.ms', '50000') },
  { name: 'set an unknown config of a group', on, run: groupConfig('no.such', '1') },
  { name: 'set a bad config of a group', on, run: groupConfig('consumer.session.timeout.ms', 'soon') },
  { name: 'groups that have settings', on, run: (kafka) => kafka.ask(listConfigResources, 1, { resourceTypes: [32] }) },
  { name: 'delete a config of a group', on, run: groupConfig('consumer.session.timeout.ms', null, 1) },
  { name: 'configs of the broker while it runs', on, run: dynamicConfig },
]
