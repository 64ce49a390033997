import { errorCodes, listOffsets } from '../kafka-wire/index.ts'
import type { Cluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { type IsolationLevel, isolationLevels, type TopicPartition } from './options.ts'

export type OffsetAt = 'earliest' | 'latest' | { timestampMs: number }

export interface ListedOffset extends TopicPartition {
  /** For a timestamp later than every record: the end of the partition. */
  offset: bigint
  /** Of the record found by timestamp; else −1. */
  timestampMs: number
  /** −1 when the broker does not say. */
  leaderEpoch: number
}

const LIST_OFFSETS_AT_MOST = 9
const LATEST = -1n
const EARLIEST = -2n

export interface FindOptions {
  signal?: AbortSignal
  /** With `read_committed`, `latest` is the last stable offset. Default `read_uncommitted`. */
  isolationLevel?: IsolationLevel
}

/** Asks the leaders, again with fresh metadata while they change. Rejects KAFKA, KAFKA_RETRIABLE, UNREACHABLE. */
export async function findOffsets(
  cluster: Cluster,
  purpose: string,
  partitions: readonly TopicPartition[],
  at: OffsetAt,
  options: FindOptions = {},
): Promise<ListedOffset[]> {
  const found = new Map<string, ListedOffset>()
  const isolationLevel = isolationLevels[options.isolationLevel ?? 'read_uncommitted']
  const timestamp = at === 'earliest' ? EARLIEST : at === 'latest' ? LATEST : BigInt(Math.floor(at.timestampMs))
  const ask = (nodeId: number, some: readonly TopicPartition[]): Promise<ListedOffset[]> =>
    askLeader(cluster, purpose, nodeId, some, { timestamp, isolationLevel })
  await cluster.retrying(async () => {
    const missing = partitions.filter((wanted) => !found.has(keyOf(wanted)))
    const topics = [...new Set(missing.map(({ topic }) => topic))]
    if (missing.some(({ topic, partition }) => !cluster.leader(topic, partition))) await cluster.refresh(topics)
    try {
      const groups = byLeader(cluster, missing)
      const results = await Promise.all([...groups].map(([nodeId, some]) => ask(nodeId, some)))
      for (const offset of results.flat()) found.set(keyOf(offset), offset)
    } catch (error) {
      await cluster.refresh(topics)
      throw error
    }
  }, options)
  const isTime = timestamp >= 0n
  const past = isTime ? [...found.values()].filter(({ offset }) => offset < 0n) : []
  if (past.length > 0) {
    const ends = await findOffsets(cluster, purpose, past, 'latest', options)
    for (const end of ends) found.set(keyOf(end), end)
  }
  return partitions.flatMap((wanted) => found.get(keyOf(wanted)) ?? [])
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function byLeader(cluster: Cluster, partitions: readonly TopicPartition[]): Map<number, TopicPartition[]> {
  const groups = new Map<number, TopicPartition[]>()
  for (const wanted of partitions) {
    const leader = cluster.leader(wanted.topic, wanted.partition)
    if (!leader) {
      const errorCode = cluster.topicError(wanted.topic) || errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      const needs = { operation: 'Describe', on: 'topic', name: wanted.topic } as const
      throw kafkaError(errorCode, `Offsets of ${keyOf(wanted)}`, { details: { ...wanted }, needs })
    }
    const group = groups.get(leader.nodeId)
    if (group) group.push(wanted)
    else groups.set(leader.nodeId, [wanted])
  }
  return groups
}

async function askLeader(
  cluster: Cluster,
  purpose: string,
  nodeId: number,
  partitions: readonly TopicPartition[],
  at: { timestamp: bigint; isolationLevel: number },
): Promise<ListedOffset[]> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, some]) => ({
    name,
    partitions: some.map(({ partition }) => ({ partitionIndex: partition, timestamp: at.timestamp })),
  }))
  const connection = cluster.toNode(nodeId, purpose)
  const answer = await cluster.ask(
    connection,
    listOffsets,
    LIST_OFFSETS_AT_MOST,
    (version) => ({ replicaId: -1, ...(version >= 2 ? { isolationLevel: at.isolationLevel } : {}), topics }),
    cluster.options.answerTimeoutMs,
  )
  return answer.topics.flatMap(({ name, partitions: answered }) =>
    answered.map(({ partitionIndex, errorCode, offset, timestamp: foundAt, leaderEpoch }) => {
      if (errorCode !== errorCodes.NONE) {
        const details = { topic: name, partition: partitionIndex }
        const needs = { operation: 'Describe', on: 'topic', name } as const
        throw kafkaError(errorCode, `Offsets of ${name}-${partitionIndex}`, { details, needs })
      }
      return { topic: name, partition: partitionIndex, offset, timestampMs: Number(foundAt), leaderEpoch }
    }),
  )
}
