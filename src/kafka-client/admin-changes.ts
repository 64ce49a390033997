import { deleteRecords, errorCodes, incrementalAlterConfigs, offsetCommit, offsetDelete } from '../kafka-wire/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { Connection } from './connection.ts'
import type { Cluster } from './cluster.ts'
import { withCoordinator } from './committed-offsets.ts'
import { kafkaError, type NeededRight } from './errors.ts'
import type { TopicPartition } from './options.ts'

const PURPOSE = 'admin'
const TOPIC_RESOURCE = 2
const SET = 0
const DELETE = 1
/** From 10 on topic ids. */
const OFFSET_COMMIT_AT_MOST = 8

/** The leader of a partition, asked for anew. */
export async function toLeader(cluster: Cluster, topic: string, partition: number): Promise<Connection> {
  await cluster.refresh([topic])
  const leader = cluster.leader(topic, partition)
  if (leader) return cluster.toNode(leader.nodeId, PURPOSE)
  const errorCode = cluster.topic(topic)
    ? errorCodes.LEADER_NOT_AVAILABLE
    : cluster.topicError(topic) || errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  throw kafkaError(errorCode, `Partition ${partition} of topic "${topic}"`, { details: { topic, partition } })
}

/** Sets configs of a topic; null takes one back to its default. */
export async function changeConfigs(cluster: Cluster, topic: string, changes: Readonly<Record<string, string | null>>): Promise<void> {
  const configs = Object.entries(changes).map(([name, value]) => ({ name, configOperation: value === null ? DELETE : SET, value }))
  await cluster.retrying(async () => {
    const answer = await cluster.ask(cluster.toController(PURPOSE), incrementalAlterConfigs, 1, () => ({
      resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs }],
      validateOnly: false,
    }))
    const said = answer.responses[0]
    const needs: NeededRight = { operation: 'AlterConfigs', on: 'topic', name: topic }
    if (said?.errorCode !== errorCodes.NONE) {
      const options = { message: said?.errorMessage ?? null, details: { topic }, needs }
      throw kafkaError(said?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR, `Configs of topic "${topic}"`, options)
    }
  })
}

/** Deletes the records below an offset (KIP-107), −1 for all that readers see; where the partition begins then. */
export function deleteRecordsBelow(cluster: Cluster, { topic, partition, offset }: TopicPartition & { offset: bigint }): Promise<bigint> {
  return cluster.retrying(async () => {
    const answer = await cluster.ask(toLeader(cluster, topic, partition), deleteRecords, 2, () => ({
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: cluster.options.requestTimeoutMs,
    }))
    const said = answer.topics[0]?.partitions[0]
    if (said?.errorCode === errorCodes.NONE) return said.lowWatermark
    const needs: NeededRight = { operation: 'Delete', on: 'topic', name: topic }
    throw kafkaError(said?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR, `Deleting records of partition ${partition} of topic "${topic}"`, {
      details: { topic, partition },
      needs,
    })
  })
}

export interface NewOffset extends TopicPartition {
  offset: bigint
  metadata?: string
}

/** Commits offsets of a group without members, as nobody's member. Rejects KAFKA UNKNOWN_MEMBER_ID while it has some. */
export async function setOffsets(cluster: Cluster, groupId: string, offsets: readonly NewOffset[]): Promise<void> {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, some]) => ({
    name,
    partitions: some.map(({ partition, offset, metadata = '' }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: metadata,
    })),
  }))
  await withCoordinator(cluster, groupId, async () => {
    const answer = await cluster.ask(cluster.toCoordinator(groupId, PURPOSE), offsetCommit, OFFSET_COMMIT_AT_MOST, () => ({
      groupId,
      topics,
    }))
    failOnFirst(groupId, answer.topics)
  })
}

/** Forgets offsets of a group, of topics that no member reads. */
export async function forgetOffsets(cluster: Cluster, groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, some]) => ({
    name,
    partitions: some.map(({ partition }) => ({ partitionIndex: partition })),
  }))
  await withCoordinator(cluster, groupId, async () => {
    const answer = await cluster.ask(cluster.toCoordinator(groupId, PURPOSE), offsetDelete, 0, () => ({ groupId, topics }))
    if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, `Offsets of group "${groupId}"`, { details: { groupId } })
    failOnFirst(groupId, answer.topics)
  })
}

interface Answered {
  readonly name: string
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
}

function failOnFirst(groupId: string, topics: readonly Answered[]): void {
  for (const { name, partitions } of topics) {
    const failed = partitions.find(({ errorCode }) => errorCode !== errorCodes.NONE)
    if (!failed) continue
    if (failed.errorCode === errorCodes.UNKNOWN_MEMBER_ID || failed.errorCode === errorCodes.GROUP_SUBSCRIBED_TO_TOPIC)
      throw new MillraceError('KAFKA', `Group "${groupId}" has members that would not notice: stop them first.`, { details: { groupId } })
    throw kafkaError(failed.errorCode, `Offsets of group "${groupId}" in partition ${failed.partitionIndex} of topic "${name}"`, {
      details: { groupId, topic: name, partition: failed.partitionIndex },
      needs: { operation: 'Read', on: 'group', name: groupId },
    })
  }
}
