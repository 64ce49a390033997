import { describeGroups, findCoordinator, heartbeat, joinGroup, listGroups, offsetFetch, syncGroup } from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { commit, create, forget, join, leave, soleMember, subscription, T, type KafkaAction } from './requests.ts'

/** A static member that goes away and comes back (KIP-345), and what its old id is told then. */
async function staticMember(kafka: RawKafka): Promise<unknown> {
  const over = { groupId: 'static', instanceId: 'i1' }
  const first = await soleMember(kafka, over)
  const again = await join(over)(kafka)
  const member = { ...first, memberId: again.memberId, generationId: again.generationId }
  return {
    again,
    beatOfTheOld: await kafka.ask(heartbeat, 4, first),
    beatOfTheNew: await kafka.ask(heartbeat, 4, member),
    beatWithoutInstance: await kafka.ask(heartbeat, 4, { ...member, groupInstanceId: null }),
    joinOfTheOld: await join({ ...over, memberId: first.memberId })(kafka),
    described: await kafka.ask(describeGroups, 5, { groups: ['static'] }),
    leftAsTheOld: await leave(kafka, first),
    leftByInstance: await leave(kafka, { ...member, memberId: '' }),
    leftTwice: await leave(kafka, { ...member, memberId: '' }),
  }
}

/** A second member joins; the first is told by its heartbeat, joins again, and assigns for both. */
async function twoMembers(kafka: RawKafka, other: RawKafka): Promise<unknown> {
  const groupId = 'two'
  const first = await soleMember(kafka, { groupId })
  const { memberId } = await join({ groupId })(other)
  const joining = join({ groupId, memberId })(other)
  let beat = await kafka.ask(heartbeat, 4, first)
  while (beat.errorCode === 0) beat = await kafka.ask(heartbeat, 4, first)
  const beforeAll = await kafka.ask(syncGroup, 5, { ...first, protocolType: 'consumer', protocolName: 'range', assignments: [] })
  const commitMeanwhile = await commit({ groupId, generation: first.generationId, memberId: first.memberId })(kafka)
  const again = await join({ groupId, memberId: first.memberId })(kafka)
  const joined = await joining
  const generationId = again.generationId
  const following = other.ask(syncGroup, 5, {
    groupId,
    generationId,
    memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [],
  })
  const commitBeforeSync = await commit({ groupId, generation: generationId, memberId: first.memberId })(kafka)
  const assignments = [first.memberId, memberId].map((id, i) => ({ memberId: id, assignment: Buffer.from(`part ${i}`) }))
  const leading = await kafka.ask(syncGroup, 5, { ...first, generationId, protocolType: 'consumer', protocolName: 'range', assignments })
  const out = {
    beat,
    beforeAll,
    commitMeanwhile,
    again: { ...again, members: again.members.length, isLeader: again.leader === first.memberId },
    joined: { ...joined, isLeader: joined.leader === memberId },
    commitBeforeSync,
    leading,
    following: await following,
    committed: await commit({ groupId, generation: generationId, memberId: first.memberId })(kafka),
    left: await leave(kafka, { ...first }),
    leftTwice: await leave(kafka, { ...first }),
  }
  await leave(other, { groupId, memberId, groupInstanceId: null })
  return out
}

/** Offsets deleted one by one: of a group with a reader, without one, and without a group. */
async function deletedOffsets(kafka: RawKafka): Promise<unknown> {
  const groupId = 'forgetful'
  await create({ name: 'read' })(kafka)
  const member = await soleMember(kafka, { groupId, metadata: subscription(['read']) })
  for (const topic of [T, 'read']) await commit({ groupId, generation: member.generationId, memberId: member.memberId, topic })(kafka)
  const all = (): Promise<unknown> => kafka.ask(offsetFetch, 7, { groupId, topics: null })
  return {
    ofAReadTopic: await forget(groupId, 'read')(kafka),
    ofAnother: await forget(groupId)(kafka),
    twice: await forget(groupId)(kafka),
    ofAMissingTopic: await forget(groupId, 'missing')(kafka),
    left: await all(),
    leave: await leave(kafka, member),
    afterwards: await forget(groupId, 'read')(kafka),
    none: await all(),
    ofNoGroup: await forget('nobody-at-all')(kafka),
  }
}

/** Groups of several members, static ones, and what older versions of the requests answer. */
export const moreGroupActions: readonly KafkaAction[] = [
  { name: 'a static member', run: staticMember },
  { name: 'two members', run: twoMembers },
  { name: 'deleted offsets', run: deletedOffsets },
  {
    name: 'delete offsets of a group that is no consumer',
    run: async (kafka) => {
      await soleMember(kafka, { groupId: 'connect', protocolType: 'connect' })
      return forget('connect')(kafka)
    },
  },
  {
    name: 'vote for a protocol',
    run: async (kafka) => {
      const { memberId } = await join({ groupId: 'votes', protocols: ['a', 'b'] })(kafka)
      return join({ groupId: 'votes', memberId, protocols: ['a', 'b'] })(kafka)
    },
  },
  { name: 'join a group of another protocol type', run: join({ groupId: 'connect', protocolType: 'consumer' }) },
  {
    name: 'join as an unknown instance',
    run: join({ groupId: 'connect', protocolType: 'connect', memberId: 'stranger', instanceId: 'i9' }),
  },
  {
    name: 'sync in a missing group',
    run: (kafka) => kafka.ask(syncGroup, 5, { groupId: 'none', generationId: 1, memberId: 'm', assignments: [] }),
  },
  { name: 'beat without a group', run: (kafka) => kafka.ask(heartbeat, 4, { groupId: '', generationId: 1, memberId: 'm' }) },
  { name: 'commit without a group', run: commit({ groupId: '' }) },
  {
    name: 'groups in a state',
    run: async (kafka) => (await kafka.ask(listGroups, 4, { statesFilter: ['stable'] })).groups.map(({ groupId }) => groupId).toSorted(),
  },
  ...[0, 1, 2, 3].map((version): KafkaAction => ({
    name: `find a coordinator in version ${version}`,
    run: (kafka) => kafka.ask(findCoordinator, version, { key: 'g', keyType: 0 }),
  })),
  ...[1, 2, 3, 5, 6, 8, 9].map((version): KafkaAction => ({
    name: `committed offsets in version ${version}`,
    run: (kafka) => {
      const topics = [
        { name: T, partitionIndexes: [0, 9] },
        { name: 'missing', partitionIndexes: [0] },
      ]
      return kafka.ask(
        offsetFetch,
        version,
        version < 8
          ? { groupId: 'g', topics }
          : {
              groups: [
                { groupId: 'g', topics },
                { groupId: 'none', topics: null },
              ],
            },
      )
    },
  })),
  ...[0, 2, 4, 6].map((version): KafkaAction => ({
    name: `join in version ${version}`,
    run: (kafka) =>
      kafka.ask(joinGroup, version, {
        groupId: `join-${version}`,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from([0, 0]) }],
      }),
  })),
]
