import type { KafkaClient, TopicPartition } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'

export interface TopicSummary {
  name: string
  internal: boolean
  partitions: number
  /** Offsets between beginning and end: records, and what compaction and transactions left of them. */
  offsets: number
  /** Not readable while its leader is away. */
  error: string | null
}

export interface PartitionView {
  partition: number
  leader: number
  replicas: number[]
  isr: number[]
  begin: string
  end: string
}

export interface GroupView {
  groupId: string
  state: string
  members: number
  lag: number
  partitions: { partition: number; committed: string; end: string; lag: number }[]
}

export interface TopicView {
  name: string
  internal: boolean
  partitions: PartitionView[]
  /** `value` is null also for secrets. */
  configs: { name: string; value: string | null; source: string; isDefault: boolean }[]
  groups: GroupView[]
}

/** All topics with what they hold. Two questions to the cluster, however many there are. */
export async function listTopics({ admin }: KafkaClient): Promise<TopicSummary[]> {
  const { topics } = await admin.metadata()
  const partitions = topics.flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition })))
  const [begin, end] = await Promise.all([offsetsOf(admin, partitions, 'earliest'), offsetsOf(admin, partitions, 'latest')])
  return topics
    .map(({ name, internal, partitions, error }) => ({
      name,
      internal: internal || name.startsWith('_'),
      partitions: partitions.length,
      offsets: partitions.reduce(
        (sum, { partition }) => sum + Number((end.get(at(name, partition)) ?? 0n) - (begin.get(at(name, partition)) ?? 0n)),
        0,
      ),
      error,
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name))
}

export async function describeTopic({ admin }: KafkaClient, name: string): Promise<TopicView> {
  const { topics } = await admin.metadata([name])
  const topic = topics.find((each) => each.name === name)
  if (topic === undefined || topic.error === 'UNKNOWN_TOPIC_OR_PARTITION')
    throw new MillraceError('NOT_FOUND', `There is no topic ${name}.`)
  if (topic.error !== null) throw new MillraceError('KAFKA_RETRIABLE', `Topic ${name} cannot be read: ${topic.error}.`)
  const partitions = topic.partitions.map(({ partition }) => ({ topic: name, partition }))
  const [begin, end, configs] = await Promise.all([
    offsetsOf(admin, partitions, 'earliest'),
    offsetsOf(admin, partitions, 'latest'),
    admin.describeConfigs(name),
  ])
  return {
    name,
    internal: topic.internal,
    partitions: topic.partitions.map(({ partition, leader, replicas, isr }) => ({
      partition,
      leader,
      replicas: [...replicas],
      isr: [...isr],
      begin: String(begin.get(at(name, partition)) ?? 0n),
      end: String(end.get(at(name, partition)) ?? 0n),
    })),
    configs: Object.entries(configs)
      .map(([config, entry]) => ({ name: config, ...entry }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
    groups: await groupsOf(admin, name, end),
  }
}

/** Groups that have committed offsets of the topic, with what they have still to read. */
async function groupsOf(admin: KafkaClient['admin'], topic: string, end: ReadonlyMap<string, bigint>): Promise<GroupView[]> {
  const listed = await admin.listGroups()
  const groups = await Promise.all(
    listed.map(async ({ groupId }): Promise<GroupView | null> => {
      const committed = (await admin.committedOffsets(groupId)).filter((each) => each.topic === topic)
      if (committed.length === 0) return null
      const [described] = await admin.describeGroups([groupId])
      const partitions = committed
        .map(({ partition, offset }) => {
          const to = end.get(at(topic, partition)) ?? offset
          return { partition, committed: String(offset), end: String(to), lag: Math.max(0, Number(to - offset)) }
        })
        .toSorted((a, b) => a.partition - b.partition)
      return {
        groupId,
        state: described?.state ?? 'Unknown',
        members: described?.members.length ?? 0,
        lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
        partitions,
      }
    }),
  )
  return groups.filter((group) => group !== null).toSorted((a, b) => a.groupId.localeCompare(b.groupId))
}

async function offsetsOf(
  admin: KafkaClient['admin'],
  partitions: readonly TopicPartition[],
  which: 'earliest' | 'latest',
): Promise<Map<string, bigint>> {
  const found = partitions.length === 0 ? [] : await admin.listOffsets(partitions, which)
  return new Map(found.map(({ topic, partition, offset }) => [at(topic, partition), offset]))
}

const at = (topic: string, partition: number): string => `${topic}/${partition}`
