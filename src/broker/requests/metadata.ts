import { errorCodes, metadata, type MetadataRequest } from '../../kafka-wire/index.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { invalidTopicName, offsetsTopic, type Topic } from '../topics/topics.ts'
import { operations, unasked } from './authorized-operations.ts'
import { handler, nodeId, type RequestContext } from './handler.ts'

const zeroId = '00000000-0000-0000-0000-000000000000'

/** Null topics are all, an empty list is none (in version 0: all). Missing topics are made where that is allowed. */
export const metadataHandler = handler(metadata, [0, 13], async (request, context) => {
  const { broker, advertised, apiVersion } = context
  const all = request.topics === null || (apiVersion === 0 && request.topics.length === 0)
  const topics = all
    ? broker.topics.all().map(describe)
    : await Promise.all((request.topics ?? []).map((wanted) => find(wanted, request, context)))
  const ofTopics = request.includeTopicAuthorizedOperations ? operations.topic : unasked
  const ofCluster = request.includeClusterAuthorizedOperations ? operations.cluster : unasked
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId, host: advertised.host, port: advertised.port, rack: null }],
    clusterId: broker.clusterId,
    controllerId: nodeId,
    topics: topics.map((topic) => ({ ...topic, topicAuthorizedOperations: ofTopics })),
    clusterAuthorizedOperations: ofCluster,
    errorCode: errorCodes.NONE,
  }
})

type Wanted = NonNullable<MetadataRequest['topics']>[number]

async function find({ name, topicId }: Wanted, request: MetadataRequest, { broker, apiVersion }: RequestContext) {
  if (name === null) {
    const topic = broker.topics.byId(topicId)
    return topic ? describe(topic) : unknown(apiVersion >= 12 ? null : '', topicId, errorCodes.UNKNOWN_TOPIC_ID)
  }
  const topic = broker.topics.get(name)
  if (topic) return describe(topic)
  if (!request.allowAutoTopicCreation || !broker.config.flag('auto.create.topics.enable')) return unknown(name, zeroId, codeOfMissing(name))
  if (name === offsetsTopic) await broker.groups.ready()
  const created = await broker.topics.create(name, broker.config.number('num.partitions'))
  if (created.ok) return describe(created.topic)
  const existing = broker.topics.get(name)
  return existing ? describe(existing) : unknown(name, zeroId, created.errorCode)
}

/** There is no such topic, or there can be none. */
export function codeOfMissing(name: string): number {
  return invalidTopicName(name) === null ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : errorCodes.INVALID_TOPIC_EXCEPTION
}

function unknown(name: string | null, topicId: string, errorCode: number) {
  return { errorCode, name, topicId, isInternal: false, partitions: [] }
}

function describe(topic: Topic) {
  return {
    errorCode: errorCodes.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.logs.map(describePartition),
  }
}

/** A partition as clients are told of it: the one broker leads it, unless its log is offline. */
export function describePartition(log: PartitionLog, partitionIndex: number) {
  return {
    errorCode: log.offline ? errorCodes.LEADER_NOT_AVAILABLE : errorCodes.NONE,
    partitionIndex,
    leaderId: log.offline ? -1 : nodeId,
    leaderEpoch: log.leaderEpoch,
    replicaNodes: [nodeId],
    isrNodes: [nodeId],
    offlineReplicas: log.offline ? [nodeId] : [],
  }
}
