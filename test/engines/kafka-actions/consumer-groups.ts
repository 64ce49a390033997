import { setTimeout } from 'node:timers/promises'
import {
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  deleteGroups,
  describeCluster,
  describeGroups,
  heartbeat,
  incrementalAlterConfigs,
  joinGroup,
  leaveGroup,
  listGroups,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  syncGroup,
  type ConsumerGroupDescribeResponse,
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
} from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { create, noId, type KafkaAction } from './requests.ts'

const on = 'Kafka 4'
const G = 'kip848'
const strangeId = '11111111-1111-1111-1111-111111111111'

type Beat = Partial<ConsumerGroupHeartbeatRequest>
const joining = { memberEpoch: 0, rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['three'], topicPartitions: [] }

/** A heartbeat of member `one` in its first epoch, unless something else is said; the assignment's topics in order. */
async function beat(kafka: RawKafka, over: Beat): Promise<ConsumerGroupHeartbeatResponse> {
  const answer = await kafka.ask(consumerGroupHeartbeat, 1, { groupId: G, memberId: 'one', memberEpoch: 2, ...over })
  answer.assignment?.topicPartitions.sort((a, b) => a.partitions.length - b.partitions.length)
  return answer
}

const beats =
  (over: Beat): KafkaAction['run'] =>
  (kafka) =>
    beat(kafka, over)

/** Kafka lists groups, members and topics in any order. */
async function describeGroup(kafka: RawKafka, groupIds = [G]): Promise<ConsumerGroupDescribeResponse['groups']> {
  const { groups } = await kafka.ask(consumerGroupDescribe, 1, { groupIds, includeAuthorizedOperations: false })
  for (const { members } of groups) {
    members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
    for (const { assignment, targetAssignment } of members)
      for (const { topicPartitions } of [assignment, targetAssignment]) topicPartitions.sort((a, b) => (a.topicName < b.topicName ? -1 : 1))
  }
  return groups.toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1))
}

async function topicId(kafka: RawKafka, name: string): Promise<string> {
  const { topics } = await kafka.ask(metadata, 12, { topics: [{ name, topicId: noId }], allowAutoTopicCreation: false })
  return topics[0]?.topicId ?? noId
}

/** Kafka computes assignments a second apart unless told otherwise, and takes a while until it has the group's partition. */
async function prepare(kafka: RawKafka): Promise<unknown> {
  const { brokers } = await kafka.ask(describeCluster, 1, { includeClusterAuthorizedOperations: false })
  const configs = [{ name: 'group.consumer.assignment.interval.ms', configOperation: 0, value: '0' }]
  const resources = [{ resourceType: 4, resourceName: String(brokers[0]?.brokerId), configs }]
  await kafka.ask(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  let answer = await beat(kafka, { memberEpoch: 7 })
  while (answer.errorCode === 14 || answer.errorCode === 16) {
    await setTimeout(50)
    answer = await beat(kafka, { memberEpoch: 7 })
  }
  return answer
}

/** A second member joins: the first gives up one of its partitions before the second gets it. */
async function handOver(kafka: RawKafka, other: RawKafka): Promise<unknown> {
  const id = await topicId(kafka, 'three')
  const owns = (...partitions: number[]) => ({ topicPartitions: [{ topicId: id, partitions }] })
  const two = { memberId: 'two', memberEpoch: 3 }
  return {
    second: await beat(other, { ...joining, memberId: 'two' }),
    described: await describeGroup(kafka),
    revoke: await beat(kafka, {}),
    stillOwns: await beat(kafka, owns(0, 1, 2)),
    waits: await beat(other, two),
    describedMeanwhile: await describeGroup(kafka),
    committedBefore: await commit(kafka, {}),
    committedBeforeThat: await commit(kafka, { epoch: 1 }),
    revoked: await beat(kafka, owns(0, 1)),
    answerWasLost: await beat(kafka, owns(0, 1)),
    oldEpoch: await beat(kafka, {}),
    gets: await beat(other, two),
    getsNoMore: await beat(other, two),
    describedAfter: await describeGroup(kafka),
  }
}

interface Commit {
  groupId?: string
  epoch?: number
  memberId?: string
  partitions?: number[]
  version?: number
  topicId?: string
}

async function commit(kafka: RawKafka, over: Commit): Promise<unknown> {
  const partitions = (over.partitions ?? [0, 2]).map((partitionIndex) => ({
    partitionIndex,
    committedOffset: 1n,
    committedLeaderEpoch: -1,
    committedMetadata: 'm',
  }))
  return kafka.ask(offsetCommit, over.version ?? 9, {
    groupId: over.groupId ?? G,
    generationIdOrMemberEpoch: over.epoch ?? 2,
    memberId: over.memberId ?? 'one',
    topics: [{ name: 'three', topicId: over.topicId ?? (await topicId(kafka, 'three')), partitions }],
  })
}

const commits =
  (over: Commit): KafkaAction['run'] =>
  (kafka) =>
    commit(kafka, over)

const fetches =
  (over: {
    groupId?: string
    memberId?: string | null
    memberEpoch?: number
    version?: number
    topicId?: string
    all?: true
  }): KafkaAction['run'] =>
  async (kafka) => {
    const topics = [{ name: 'three', topicId: over.topicId ?? (await topicId(kafka, 'three')), partitionIndexes: [0] }]
    const { version = 9, all, ...group } = over
    return kafka.ask(offsetFetch, version, {
      groups: [{ groupId: G, memberId: 'one', memberEpoch: 3, ...group, topics: all ? null : topics }],
    })
  }

/** A static member goes away for a while and comes back under another id (KIP-345). */
async function staticMember(kafka: RawKafka): Promise<unknown> {
  const groupId = 'kip848-static'
  const over = { groupId, instanceId: 'i1', memberId: 'old' }
  return {
    joined: await beat(kafka, { ...over, ...joining }),
    unreleased: await beat(kafka, { ...over, ...joining, memberId: 'new' }),
    away: await beat(kafka, { ...over, memberEpoch: -2 }),
    described: await describeGroup(kafka, [groupId]),
    back: await beat(kafka, { ...over, ...joining, memberId: 'new' }),
    fenced: await beat(kafka, over),
    strange: await beat(kafka, { ...over, memberId: 'new', instanceId: 'i9' }),
    leaves: await beat(kafka, { ...over, memberId: 'new', memberEpoch: -1 }),
    describedEmpty: await describeGroup(kafka, [groupId]),
  }
}

/** Kafka looks for the topics of a pattern behind the first answer; here they are there at once. What it ends with is the same. */
async function pattern(kafka: RawKafka): Promise<unknown> {
  const groupId = 'kip848-pattern'
  const over = { groupId, memberId: 'p', rebalanceTimeoutMs: 10_000, topicPartitions: [] }
  let { memberEpoch, assignment } = await beat(kafka, { ...over, memberEpoch: 0, subscribedTopicRegex: 'thre{2}|tw[n-p]' })
  while ((assignment?.topicPartitions.length ?? 0) < 2) {
    await setTimeout(50)
    ;({ memberEpoch, assignment } = await beat(kafka, { ...over, memberEpoch, subscribedTopicRegex: 'thre{2}|tw[n-p]' }))
  }
  const [group] = await describeGroup(kafka, [groupId])
  return {
    state: group?.groupState,
    members: group?.members.map((member) => ({ ...member, memberEpoch: member.memberEpoch > 0 })),
    left: await beat(kafka, { ...over, memberEpoch: -1 }),
  }
}

/** An empty group of one kind becomes one of the other, with its offsets. */
async function otherKind(kafka: RawKafka): Promise<unknown> {
  const body = {
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([0, 0]) }],
  }
  const groupId = 'kip848-kinds'
  const listed = async () =>
    (await kafka.ask(listGroups, 5, { statesFilter: [], typesFilter: [] })).groups.filter((group) => group.groupId === groupId)
  const first = await kafka.ask(joinGroup, 9, { ...body, groupId, memberId: '' })
  const { memberId, generationId } = await kafka.ask(joinGroup, 9, { ...body, groupId, memberId: first.memberId })
  await kafka.ask(syncGroup, 5, { groupId, generationId, memberId, protocolType: 'consumer', protocolName: 'range', assignments: [] })
  const committed = await commit(kafka, { groupId, memberId, epoch: generationId, version: 8 })
  const beatAsOther = await beat(kafka, { groupId })
  await kafka.ask(leaveGroup, 5, { groupId, members: [{ memberId }] })
  return {
    committed,
    beatAsOther,
    joined: await beat(kafka, { ...joining, groupId }),
    offsets: await fetches({ groupId, memberEpoch: 2 })(kafka, kafka),
    listed: await listed(),
    left: await beat(kafka, { groupId, memberEpoch: -1 }),
    joinedAgain: { ...(await kafka.ask(joinGroup, 9, { ...body, groupId, memberId: '' })) },
    listedAgain: await listed(),
    deleted: await kafka.ask(deleteGroups, 2, { groupsNames: [groupId] }),
  }
}

const wrong: readonly [string, Beat][] = [
  ['of no group', { memberEpoch: 3 }],
  ['without a member id', { ...joining, memberId: '' }],
  ['without a group id', { ...joining, groupId: '' }],
  ['without a rebalance timeout', { ...joining, rebalanceTimeoutMs: -1 }],
  ['that owns nothing known', { ...joining, topicPartitions: null }],
  ['without topics', { ...joining, subscribedTopicNames: null }],
  ['with an unknown assignor', { ...joining, serverAssignor: 'best' }],
  ['in an epoch below all', { ...joining, memberEpoch: -3 }],
  ['that goes away without an instance id', { memberEpoch: -2 }],
  ['with a bad pattern', { ...joining, subscribedTopicNames: null, subscribedTopicRegex: '(' }],
]

/** Groups whose assignments the broker makes (KIP-848). */
export const consumerGroupActions: readonly KafkaAction[] = [
  { name: 'create a topic of three', on, run: create({ name: 'three', numPartitions: 3 }) },
  { name: 'create a topic of two', on, run: create({ name: 'two', numPartitions: 2 }) },
  { name: 'prepare for consumer groups', on, run: prepare },
  ...wrong.map(([what, over]): KafkaAction => ({ name: `a heartbeat ${what}`, on, run: beats(over) })),
  { name: 'join a consumer group', on, run: beats(joining) },
  { name: 'beat in a consumer group', on, run: beats({}) },
  {
    name: 'beat in full in a consumer group',
    on,
    run: async (kafka) =>
      beat(kafka, { ...joining, memberEpoch: 2, topicPartitions: [{ topicId: await topicId(kafka, 'three'), partitions: [0, 1, 2] }] }),
  },
  { name: 'join a consumer group again', on, run: beats(joining) },
  { name: 'beat in an epoch to come', on, run: beats({ memberEpoch: 5 }) },
  { name: 'beat as a stranger', on, run: beats({ memberId: 'nobody' }) },
  { name: 'describe consumer groups that are none', on, run: (kafka) => describeGroup(kafka, ['nothing', '', 'g']) },
  { name: 'hand a partition over', on, run: handOver },
  { name: 'commit in a past epoch', on, run: commits({}) },
  { name: 'commit in a past epoch what was held then', on, run: commits({ partitions: [0] }) },
  { name: 'commit in the present epoch', on, run: commits({ epoch: 3 }) },
  { name: 'commit by a topic id', on, run: commits({ epoch: 3, version: 10 }) },
  { name: 'commit by an unknown topic id', on, run: commits({ epoch: 3, version: 10, topicId: strangeId }) },
  { name: 'commit in a version without epochs', on, run: commits({ epoch: 3, version: 8 }) },
  { name: 'commit in an epoch to come', on, run: commits({ epoch: 9 }) },
  { name: 'commit as a stranger', on, run: commits({ epoch: 3, memberId: 'nobody' }) },
  { name: 'commit without a member', on, run: commits({ epoch: -1, memberId: '' }) },
  { name: 'commit in no consumer group', on, run: commits({ groupId: 'nothing' }) },
  { name: 'commit in no group of any kind', on, run: commits({ groupId: 'nothing', version: 8 }) },
  { name: 'offsets of a member', on, run: fetches({}) },
  { name: 'offsets of a past epoch', on, run: fetches({ memberEpoch: 1 }) },
  { name: 'offsets of a stranger', on, run: fetches({ memberId: 'nobody' }) },
  { name: 'offsets for anybody', on, run: fetches({ memberId: null, memberEpoch: -1 }) },
  { name: 'offsets by topic ids', on, run: fetches({ version: 10 }) },
  { name: 'all offsets by topic ids', on, run: fetches({ version: 10, all: true }) },
  { name: 'offsets by an unknown topic id', on, run: fetches({ version: 10, topicId: strangeId }) },
  { name: 'offsets of a member of nothing', on, run: fetches({ groupId: 'nothing' }) },
  {
    name: 'list a consumer group',
    on,
    run: async (kafka) =>
      (await kafka.ask(listGroups, 5, { statesFilter: ['stable'], typesFilter: ['Consumer'] })).groups.filter(
        ({ groupId }) => groupId === G,
      ),
  },
  { name: 'describe a consumer group as a classic one', on, run: (kafka) => kafka.ask(describeGroups, 6, { groups: [G] }) },
  { name: 'subscribe to another topic', on, run: beats({ memberEpoch: 3, subscribedTopicNames: ['three', 'two'] }) },
  { name: 'hear of a new assignment', on, run: beats({ memberId: 'two', memberEpoch: 3 }) },
  { name: 'ask for another assignor', on, run: beats({ memberEpoch: 3, serverAssignor: 'range' }) },
  { name: 'describe with another assignor', on, run: (kafka) => describeGroup(kafka) },
  { name: 'delete a consumer group in use', on, run: (kafka) => kafka.ask(deleteGroups, 2, { groupsNames: [G] }) },
  {
    name: 'delete offsets of a topic that is read',
    on,
    run: (kafka) => kafka.ask(offsetDelete, 0, { groupId: G, topics: [{ name: 'three', partitions: [{ partitionIndex: 0 }] }] }),
  },
  {
    name: 'join a consumer group as another type',
    on,
    run: (kafka) =>
      kafka.ask(joinGroup, 9, {
        groupId: G,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        protocolType: 'connect',
        protocols: [{ name: 'x', metadata: Buffer.from([0]) }],
      }),
  },
  {
    name: 'beat in a consumer group as a classic member',
    on,
    run: (kafka) => kafka.ask(heartbeat, 4, { groupId: G, generationId: 3, memberId: 'one' }),
  },
  {
    name: 'sync in a consumer group',
    on,
    run: (kafka) =>
      kafka.ask(syncGroup, 5, {
        groupId: G,
        generationId: 3,
        memberId: 'one',
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [],
      }),
  },
  { name: 'leave a consumer group', on, run: beats({ memberEpoch: -1 }) },
  { name: 'leave a consumer group twice', on, run: beats({ memberEpoch: -1 }) },
  { name: 'describe a consumer group that somebody left', on, run: (kafka) => describeGroup(kafka) },
  { name: 'get what somebody left', on, run: beats({ memberId: 'two', memberEpoch: 4 }) },
  { name: 'remove a member', on, run: (kafka) => kafka.ask(leaveGroup, 5, { groupId: G, members: [{ memberId: 'two', reason: null }] }) },
  {
    name: 'remove a member twice',
    on,
    run: (kafka) => kafka.ask(leaveGroup, 5, { groupId: G, members: [{ memberId: 'two', reason: null }] }),
  },
  { name: 'describe an empty consumer group', on, run: (kafka) => describeGroup(kafka) },
  {
    name: 'delete offsets of an empty consumer group',
    on,
    run: (kafka) => kafka.ask(offsetDelete, 0, { groupId: G, topics: [{ name: 'three', partitions: [{ partitionIndex: 0 }] }] }),
  },
  { name: 'delete an empty consumer group', on, run: (kafka) => kafka.ask(deleteGroups, 2, { groupsNames: [G] }) },
  { name: 'a static member of a consumer group', on, run: staticMember },
  { name: 'subscribe by a pattern', on, run: pattern },
  { name: 'a group of one kind, then of the other', on, run: otherKind },
]
