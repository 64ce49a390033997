import {
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  deleteGroups,
  describeGroups,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  metadata,
  offsetCommit,
  syncGroup,
  Writer,
  type ConsumerGroupHeartbeatRequest,
  type JoinGroupRequest,
} from '../../../src/kafka-wire/index.ts'
import { writeAssignment } from '../../../src/broker/groups/consumer-protocol.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { noId, type KafkaAction } from './requests.ts'

const on = 'Kafka 4'
const topic = 'three'

/** ConsumerProtocolSubscription 1: what a consumer subscribes to, and owns. */
function subscription(owned: readonly number[]): Uint8Array {
  const writer = new Writer()
  writer.int16(1)
  writer.length(1, false)
  writer.string(topic, false)
  writer.bytes(null, false)
  writer.length(owned.length > 0 ? 1 : 0, false)
  if (owned.length > 0) writer.string(topic, false)
  if (owned.length > 0) writer.length(owned.length, false)
  for (const partition of owned) writer.int32(partition)
  return writer.whole()
}

/** One group, with a member `c` of the classic protocol and others of KIP-848. */
class Group {
  readonly kafka: RawKafka
  readonly groupId: string
  readonly instanceId: string | null
  memberId = ''
  generationId = -1

  constructor(kafka: RawKafka, groupId: string, instanceId: string | null = null) {
    this.kafka = kafka
    this.groupId = groupId
    this.instanceId = instanceId
  }

  async join(owned: readonly number[] = [], over: Partial<JoinGroupRequest> = {}): Promise<unknown> {
    const answer = await this.kafka.ask(joinGroup, 9, {
      groupId: this.groupId,
      groupInstanceId: this.instanceId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: this.memberId,
      protocolType: 'consumer',
      protocols: ['cooperative-sticky', 'range'].map((name) => ({ name, metadata: subscription(owned) })),
      ...over,
    })
    if (over.memberId === undefined && answer.memberId !== '') this.memberId = answer.memberId
    if (answer.errorCode === 0) this.generationId = answer.generationId
    const { errorCode, generationId, protocolType, protocolName, members, leader } = answer
    return {
      errorCode,
      generationId,
      protocolType,
      protocolName,
      members: members.length,
      leads: leader === this.memberId,
      leader: leader === '',
    }
  }

  async sync(assigned: readonly number[] | null = null, protocolName = 'cooperative-sticky'): Promise<unknown> {
    const assignment = assigned && writeAssignment(1, [{ topic, partitions: assigned }])
    const answer = await this.kafka.ask(syncGroup, 5, {
      ...this.#identity,
      protocolType: 'consumer',
      protocolName,
      assignments: assignment ? [{ memberId: this.memberId, assignment }] : [],
    })
    return { ...answer, assignment: Buffer.from(answer.assignment).toString('hex') }
  }

  get #identity() {
    return { groupId: this.groupId, groupInstanceId: this.instanceId, memberId: this.memberId, generationId: this.generationId }
  }

  async heartbeat(over: { generationId?: number; memberId?: string; groupInstanceId?: string } = {}): Promise<number> {
    return (await this.kafka.ask(heartbeat, 4, { ...this.#identity, ...over })).errorCode
  }

  beat(memberId: string, over: Partial<ConsumerGroupHeartbeatRequest> = {}): Promise<unknown> {
    return this.kafka.ask(consumerGroupHeartbeat, 1, { groupId: this.groupId, memberId, memberEpoch: 0, ...over })
  }

  joins(memberId: string, over: Partial<ConsumerGroupHeartbeatRequest> = {}): Promise<unknown> {
    return this.beat(memberId, { rebalanceTimeoutMs: 10_000, subscribedTopicNames: [topic], topicPartitions: [], ...over })
  }

  async commit(version: number, over: { generationId?: number; memberId?: string } = {}): Promise<unknown> {
    const partitions = [{ partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: -1, committedMetadata: 'm' }]
    const answer = await this.kafka.ask(offsetCommit, version, {
      groupId: this.groupId,
      generationIdOrMemberEpoch: over.generationId ?? this.generationId,
      memberId: over.memberId ?? this.memberId,
      groupInstanceId: this.instanceId,
      topics: [{ name: topic, topicId: await this.topicId(), partitions }],
    })
    return answer.topics
  }

  async topicId(): Promise<string> {
    const { topics } = await this.kafka.ask(metadata, 12, { topics: [{ name: topic, topicId: noId }], allowAutoTopicCreation: false })
    return topics[0]?.topicId ?? noId
  }

  /** As either kind of group, and in the list; ids that a broker chose are `c`. */
  async described(): Promise<unknown> {
    const { groups } = await this.kafka.ask(consumerGroupDescribe, 1, { groupIds: [this.groupId], includeAuthorizedOperations: false })
    const classic = await this.kafka.ask(describeGroups, 6, { groups: [this.groupId] })
    const listed = await this.kafka.ask(listGroups, 5, { statesFilter: [], typesFilter: [] })
    const named = <T extends { memberId: string }>(members: readonly T[]): T[] =>
      members
        .map((member) => ({ ...member, memberId: member.memberId === this.memberId ? 'c' : member.memberId }))
        .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    return {
      consumer: groups.map((group) => ({ ...group, members: named(group.members) })),
      classic: classic.groups.map((group) => ({ ...group, members: named(group.members) })),
      listed: listed.groups.filter(({ groupId }) => groupId === this.groupId),
    }
  }
}

/** A classic group of one member with three partitions. */
async function classicGroup(kafka: RawKafka, groupId: string, instanceId: string | null = null): Promise<Group> {
  const group = new Group(kafka, groupId, instanceId)
  await group.join()
  if (instanceId === null) await group.join()
  await group.sync([0, 1, 2])
  return group
}

/** A member of KIP-848 joins a classic group, takes its part, and leaves again. */
async function thereAndBack(kafka: RawKafka): Promise<unknown> {
  const group = await classicGroup(kafka, 'migrates')
  return {
    before: await group.described(),
    notWithAnEpoch: await group.beat('k', { memberEpoch: 1 }),
    upgraded: await group.joins('k'),
    described: await group.described(),
    oldGeneration: await group.heartbeat(),
    commitBefore: await group.commit(8),
    syncTooEarly: await group.sync(),
    otherProtocols: await group.join([], { memberId: '', protocols: [{ name: 'roundrobin', metadata: subscription([]) }] }),
    otherType: await group.join([], { memberId: '', protocolType: 'connect' }),
    stillOwnsAll: await group.join([0, 1, 2]),
    isGivenLess: await group.sync(),
    syncOfAnotherProtocol: await group.sync(null, 'range'),
    mustGoOn: await group.heartbeat(),
    otherWaits: await group.beat('k', { memberEpoch: 2 }),
    describedMeanwhile: await group.described(),
    gaveUp: await group.join([0, 1]),
    given: await group.sync(),
    isSettled: await group.heartbeat(),
    otherGets: await group.beat('k', { memberEpoch: 2 }),
    commits: [
      await group.commit(8),
      await group.commit(9),
      await group.commit(9, { generationId: 1 }),
      await group.commit(9, { generationId: 9 }),
    ],
    commitOfTheOther: [
      await group.commit(9, { memberId: 'k', generationId: 2 }),
      await group.commit(8, { memberId: 'k', generationId: 2 }),
    ],
    wrongGeneration: await group.heartbeat({ generationId: 9 }),
    stranger: await group.heartbeat({ memberId: 'nobody' }),
    strangeInstance: await group.heartbeat({ groupInstanceId: 'nobody' }),
    notClassic: await group.heartbeat({ memberId: 'k', generationId: 2 }),
    joinsAsItIs: await group.join([0, 1]),
    describedSettled: await group.described(),
    lastLeft: await group.beat('k', { memberEpoch: -1 }),
    downgraded: await group.described(),
    heardOfIt: await group.heartbeat(),
    leads: await group.join([0, 1]),
    assigns: await group.sync([0, 1, 2]),
    describedAfter: await group.described(),
    left: await group.kafka
      .ask(leaveGroup, 5, { groupId: 'migrates', members: [{ memberId: group.memberId }] })
      .then(({ errorCode }) => errorCode),
    deleted: await group.kafka.ask(deleteGroups, 2, { groupsNames: ['migrates'] }),
  }
}

/** A static member changes its protocol, and changes it back (KIP-345). */
async function staticThereAndBack(kafka: RawKafka): Promise<unknown> {
  const group = await classicGroup(kafka, 'migrates-static', 'i1')
  return {
    before: await group.described(),
    replaced: await group.joins('k', { instanceId: 'i1' }),
    described: await group.described(),
    fenced: await group.heartbeat(),
    back: await group.join([], { memberId: '' }),
    describedAfter: (await group.described()) !== null,
  }
}

/** A group that is no consumers', or of an assignor with data of its own, stays what it is. */
async function staysClassic(kafka: RawKafka): Promise<unknown> {
  const connect = new Group(kafka, 'migrates-not')
  const worker = { protocolType: 'connect', protocols: [{ name: 'x', metadata: Buffer.from([0]) }] }
  await connect.join([], worker)
  await connect.join([], worker)
  const broken = new Group(kafka, 'migrates-broken')
  const none = { protocols: [{ name: 'range', metadata: Buffer.from([0]) }] }
  await broken.join([], none)
  await broken.join([], none)
  return {
    connect: await connect.joins('k'),
    broken: await broken.joins('k'),
    still: [await connect.heartbeat(), await broken.heartbeat()],
  }
}

/** Groups with members change from one protocol to the other (KIP-848). */
export const migrationActions: readonly KafkaAction[] = [
  { name: 'a classic group becomes a consumer group, and a classic one again', on, run: thereAndBack },
  { name: 'a static member changes its protocol', on, run: staticThereAndBack },
  { name: 'classic groups that cannot become consumer groups', on, run: staysClassic },
]
