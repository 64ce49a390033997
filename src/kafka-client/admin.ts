import { createPartitions, createTopics, deleteTopics, describeConfigs, errorCodes } from '../kafka-wire/index.ts'
import { MillraceError } from '../platform/index.ts'
import {
  deleteGroup,
  describeGroup,
  type GroupDescription,
  type GroupListing,
  listAllGroups,
  type RemovedMember,
  removeMembers,
} from './admin-groups.ts'
import { changeConfigs, deleteRecordsBelow, forgetOffsets, type NewOffset, setOffsets } from './admin-changes.ts'
import {
  abortInPartition,
  type ActiveProducer,
  describeTransaction,
  fenceProducer,
  listAllTransactions,
  type PartitionTransaction,
  producersOf,
  type TransactionDescription,
  type TransactionListing,
} from './admin-transactions.ts'
import type { Cluster } from './cluster.ts'
import { type CommittedOffset, fetchCommitted } from './committed-offsets.ts'
import { errorName } from '../kafka-wire/index.ts'
import { isAuthorizationError, kafkaError, type NeededRight } from './errors.ts'
import { findOffsets, type ListedOffset, type OffsetAt } from './list-offsets.ts'
import type { IsolationLevel, TopicPartition } from './options.ts'

export interface ClusterMetadata {
  clusterId: string | null
  controllerId: number
  brokers: { nodeId: number; host: string; port: number }[]
  topics: {
    name: string
    topicId: string
    internal: boolean
    /** The broker's error name, e.g. `UNKNOWN_TOPIC_OR_PARTITION`; null when all is well. */
    error: string | null
    partitions: { partition: number; leader: number; replicas: number[]; isr: number[] }[]
  }[]
}

export interface NewTopic {
  name: string
  partitions: number
  /** Default −1: the broker's own default. */
  replicationFactor?: number
  configs?: Record<string, string>
}

export interface ConfigEntry {
  /** Null also for secrets. */
  value: string | null
  /** `DYNAMIC_TOPIC_CONFIG`, `DEFAULT_CONFIG`, `STATIC_BROKER_CONFIG`, … */
  source: string
  isDefault: boolean
}

/** Questions and changes to the cluster. Each is tried again, for as long as `requestTimeoutMs`, while brokers move or restart. */
export interface Admin {
  /** Without names: all topics. */
  metadata(topics?: readonly string[]): Promise<ClusterMetadata>
  /** `created: false`: it was there before, as it was. Resolves when the topics have leaders. */
  createTopics(topics: readonly NewTopic[]): Promise<{ name: string; created: boolean }[]>
  /** `deleted: false`: there was no such topic. */
  deleteTopics(names: readonly string[]): Promise<{ name: string; deleted: boolean }[]>
  /** Raises a topic's number of partitions to `partitions`. */
  createPartitions(topics: readonly { name: string; partitions: number }[]): Promise<void>
  /** With `read_committed`, `latest` is the last stable offset, up to where such readers get. Default `read_uncommitted`. */
  listOffsets(partitions: readonly TopicPartition[], at: OffsetAt, options?: { isolationLevel?: IsolationLevel }): Promise<ListedOffset[]>
  /**
   * Of all partitions of these topics that have one; without `topics` of all. Waits while a transaction holds others (KIP-447), but for
   * that the topics must be named: of a first commit that is still being ended, Kafka 3.9 says nothing. With `waitForTransactions: false`
   * the last ones that are certain.
   */
  committedOffsets(groupId: string, topics?: readonly string[], options?: { waitForTransactions?: boolean }): Promise<CommittedOffset[]>
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>
  listGroups(): Promise<GroupListing[]>
  deleteGroups(groupIds: readonly string[]): Promise<{ groupId: string; deleted: boolean }[]>
  /** Puts members out of a group, static ones too. */
  removeMembers(groupId: string, members: readonly RemovedMember[]): Promise<void>
  describeConfigs(topic: string): Promise<Record<string, ConfigEntry>>
  /** Sets configs of a topic; null takes one back to its default. */
  alterConfigs(topic: string, changes: Readonly<Record<string, string | null>>): Promise<void>
  /** Deletes the records below each offset (−1: all that readers see); resolves to where the partitions begin then. */
  deleteRecords(partitions: readonly (TopicPartition & { offset: bigint })[]): Promise<(TopicPartition & { earliest: bigint })[]>
  /** Commits offsets for a group that has no members. */
  alterOffsets(groupId: string, offsets: readonly NewOffset[]): Promise<void>
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void>
  listTransactions(): Promise<TransactionListing[]>
  /** Null when there is no such transactional id. */
  describeTransaction(transactionalId: string): Promise<TransactionDescription | null>
  /** The producers that a partition remembers, open transactions among them. */
  describeProducers(partition: TopicPartition): Promise<ActiveProducer[]>
  /** Fences the producer of a transactional id; what it had open is aborted. */
  fenceProducer(transactionalId: string): Promise<void>
  /** Ends a transaction in one partition that nobody else ends any more. */
  abortTransaction(transaction: PartitionTransaction): Promise<void>
}

const PURPOSE = 'admin'
const TOPIC_RESOURCE = 2
const DEFAULT_CONFIG = 5
const configSources = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'CLIENT_METRICS_CONFIG',
  'GROUP_CONFIG',
]

export function createAdmin(cluster: Cluster): Admin {
  return {
    metadata: (topics) => cluster.retrying(() => readMetadata(cluster, topics ?? null)),
    createTopics: (topics) => makeTopics(cluster, topics),
    deleteTopics: (names) => Promise.all(names.map((name) => removeTopic(cluster, name))),
    createPartitions: async (topics) => {
      await Promise.all(topics.map((topic) => addPartitions(cluster, topic)))
    },
    listOffsets: (partitions, at, options) => findOffsets(cluster, PURPOSE, partitions, at, options),
    committedOffsets: async (groupId, topics, options) => {
      if (!topics) return fetchCommitted(cluster, PURPOSE, groupId, null, options)
      await cluster.retrying(() => cluster.refresh(topics))
      const partitions = topics.flatMap((topic) => cluster.topic(topic)?.leaders.map((_, partition) => ({ topic, partition })) ?? [])
      return partitions.length === 0 ? [] : fetchCommitted(cluster, PURPOSE, groupId, partitions, options)
    },
    describeGroups: (groupIds) => Promise.all(groupIds.map((groupId) => describeGroup(cluster, groupId))),
    listGroups: () => listAllGroups(cluster),
    deleteGroups: (groupIds) => Promise.all(groupIds.map(async (groupId) => ({ groupId, deleted: await deleteGroup(cluster, groupId) }))),
    removeMembers: (groupId, members) => removeMembers(cluster, groupId, members),
    describeConfigs: (topic) => cluster.retrying(() => readConfigs(cluster, topic)),
    alterConfigs: (topic, changes) => changeConfigs(cluster, topic, changes),
    deleteRecords: (partitions) =>
      Promise.all(
        partitions.map(async (each) => ({
          topic: each.topic,
          partition: each.partition,
          earliest: await deleteRecordsBelow(cluster, each),
        })),
      ),
    alterOffsets: (groupId, offsets) => setOffsets(cluster, groupId, offsets),
    deleteOffsets: (groupId, partitions) => forgetOffsets(cluster, groupId, partitions),
    listTransactions: () => listAllTransactions(cluster),
    describeTransaction: (transactionalId) => describeTransaction(cluster, transactionalId),
    describeProducers: (partition) => producersOf(cluster, partition),
    fenceProducer: (transactionalId) => fenceProducer(cluster, transactionalId),
    abortTransaction: (transaction) => abortInPartition(cluster, transaction),
  }
}

async function readMetadata(cluster: Cluster, topics: readonly string[] | null): Promise<ClusterMetadata> {
  const { clusterId, controllerId, brokers, topics: answered } = await cluster.metadata(topics)
  return {
    clusterId,
    controllerId,
    brokers: brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
    topics: answered.map((topic) => ({
      name: topic.name ?? '',
      topicId: topic.topicId,
      internal: topic.isInternal,
      error: topic.errorCode === errorCodes.NONE ? null : errorName(topic.errorCode),
      partitions: topic.partitions
        .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
          partition: partitionIndex,
          leader: leaderId,
          replicas: replicaNodes,
          isr: isrNodes,
        }))
        .toSorted((a, b) => a.partition - b.partition),
    })),
  }
}

async function makeTopics(cluster: Cluster, topics: readonly NewTopic[]): Promise<{ name: string; created: boolean }[]> {
  const made = await Promise.all(topics.map((topic) => cluster.retrying(() => makeTopic(cluster, topic))))
  for (const { name } of made) {
    const { requestTimeoutMs } = cluster.options
    const topic = await cluster.waitForTopic(name, requestTimeoutMs)
    await cluster.retrying(async () => {
      if (topic.leaders.every((_, partition) => cluster.leader(name, partition))) return
      await cluster.refresh([name])
      throw kafkaError(errorCodes.LEADER_NOT_AVAILABLE, `Topic "${name}"`)
    })
  }
  return made
}

async function makeTopic(cluster: Cluster, topic: NewTopic): Promise<{ name: string; created: boolean }> {
  const { name, partitions, replicationFactor = -1, configs = {} } = topic
  const connection = await cluster.toController(PURPOSE)
  const version = connection.version(createTopics, 7)
  if (replicationFactor < 0 && version < 4) {
    throw new MillraceError('BAD_REQUEST', `This broker wants a replication factor for topic "${name}" (it is older than Kafka 2.4).`)
  }
  const answer = await connection.request(createTopics, version, {
    topics: [
      {
        name,
        numPartitions: partitions,
        replicationFactor,
        assignments: [],
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      },
    ],
    timeoutMs: cluster.options.requestTimeoutMs,
  })
  const said = answer.topics[0]
  const errorCode = said?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
  if (errorCode === errorCodes.TOPIC_ALREADY_EXISTS) return { name, created: false }
  // Kafka asks for the right before it looks whether there is anything to create.
  if (isAuthorizationError(errorCode) && (await isThere(cluster, name))) return { name, created: false }
  if (errorCode !== errorCodes.NONE) {
    // The broker's own default cannot be too many for long: right after its start the controller does not know of any broker yet.
    const retriable = errorCode === errorCodes.INVALID_REPLICATION_FACTOR && replicationFactor < 0
    const options = { message: said?.errorMessage ?? null, details: { topic: name }, retriable, needs: rightToCreate(topic) }
    throw kafkaError(errorCode, `Creating topic "${name}"`, options)
  }
  return { name, created: true }
}

async function isThere(cluster: Cluster, name: string): Promise<boolean> {
  await cluster.refresh([name])
  return cluster.topic(name) !== null
}

function rightToCreate({ name, partitions, replicationFactor = -1, configs = {} }: NewTopic): NeededRight {
  const options = [
    `--partitions ${partitions}`,
    ...(replicationFactor > 0 ? [`--replication-factor ${replicationFactor}`] : []),
    ...Object.entries(configs).map(([key, value]) => `--config ${key}=${value}`),
  ]
  const instead = `kafka-topics.sh --bootstrap-server <host:port> --create --topic ${name} ${options.join(' ')}`
  return { operation: 'Create', on: 'topic', name, instead }
}

function removeTopic(cluster: Cluster, name: string): Promise<{ name: string; deleted: boolean }> {
  return cluster.retrying(async () => {
    const answer = await cluster.ask(cluster.toController(PURPOSE), deleteTopics, 5, () => ({
      topicNames: [name],
      timeoutMs: cluster.options.requestTimeoutMs,
    }))
    const said = answer.responses[0]
    const errorCode = said?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
    if (errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return { name, deleted: false }
    if (errorCode !== errorCodes.NONE) {
      const needs = { operation: 'Delete', on: 'topic', name } as const
      throw kafkaError(errorCode, `Deleting topic "${name}"`, { message: said?.errorMessage ?? null, details: { topic: name }, needs })
    }
    return { name, deleted: true }
  })
}

async function addPartitions(cluster: Cluster, { name, partitions }: { name: string; partitions: number }): Promise<void> {
  await cluster.retrying(async () => {
    const answer = await cluster.ask(cluster.toController(PURPOSE), createPartitions, 3, () => ({
      topics: [{ name, count: partitions, assignments: null }],
      timeoutMs: cluster.options.requestTimeoutMs,
      validateOnly: false,
    }))
    const said = answer.results[0]
    if (said && said.errorCode === errorCodes.NONE) return
    throw kafkaError(said?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR, `Adding partitions to topic "${name}"`, {
      message: said?.errorMessage ?? null,
      details: { topic: name },
      needs: { operation: 'Alter', on: 'topic', name },
    })
  })
  await cluster.retrying(async () => {
    await cluster.refresh([name])
    if ((cluster.topic(name)?.leaders.length ?? 0) < partitions) throw kafkaError(errorCodes.LEADER_NOT_AVAILABLE, `Topic "${name}"`)
  })
}

async function readConfigs(cluster: Cluster, topic: string): Promise<Record<string, ConfigEntry>> {
  const answer = await cluster.ask(cluster.toAny(PURPOSE), describeConfigs, 4, () => ({
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null }],
  }))
  const result = answer.results[0]
  const errorCode = result?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
  if (!result || errorCode !== errorCodes.NONE) {
    const needs = { operation: 'DescribeConfigs', on: 'topic', name: topic } as const
    throw kafkaError(errorCode, `Configs of topic "${topic}"`, { message: result?.errorMessage ?? null, details: { topic }, needs })
  }
  return Object.fromEntries(
    result.configs.map(({ name, value, configSource }) => [
      name,
      { value, source: configSources[configSource] ?? 'UNKNOWN', isDefault: configSource === DEFAULT_CONFIG },
    ]),
  )
}
