import {
  deleteGroups,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  offsetFetch,
  syncGroup,
  type JoinGroupResponse,
} from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { commit, join, T, type KafkaAction } from './requests.ts'

/** One member from joining to leaving. */
async function lifeOfAMember(kafka: RawKafka): Promise<unknown> {
  const body = {
    groupId: 'life',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([0, 0]) }],
  }
  const first = await kafka.ask(joinGroup, 9, { ...body, memberId: '' })
  const { memberId } = first
  const joined = await kafka.ask(joinGroup, 9, { ...body, memberId })
  const { generationId } = joined
  const member = { groupId: 'life', generationId, memberId }
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  return {
    first,
    joined,
    beatBeforeSync: await kafka.ask(heartbeat, 4, member),
    synced: await kafka.ask(syncGroup, 5, { ...member, protocolType: 'consumer', protocolName: 'range', assignments }),
    otherProtocol: await kafka.ask(syncGroup, 5, { ...member, protocolType: 'consumer', protocolName: 'roundrobin', assignments }),
    beat: await kafka.ask(heartbeat, 4, member),
    oldGeneration: await kafka.ask(heartbeat, 4, { ...member, generationId: generationId - 1 }),
    otherMember: await kafka.ask(heartbeat, 4, { ...member, memberId: 'nobody' }),
    committed: await commit({ groupId: 'life', generation: generationId, memberId })(kafka),
    committedLate: await commit({ groupId: 'life', generation: generationId - 1, memberId })(kafka),
    committedByNobody: await commit({ groupId: 'life' })(kafka),
    wrongType: await kafka.ask(joinGroup, 9, { ...body, memberId: '', protocolType: 'connect' }),
    described: await kafka.ask(describeGroups, 5, { groups: ['life'] }),
    listed: (await kafka.ask(listGroups, 4, { statesFilter: [] })).groups.filter(({ groupId }) => groupId === 'life'),
    deletedWhileInUse: await kafka.ask(deleteGroups, 2, { groupsNames: ['life'] }),
    left: await kafka.ask(leaveGroup, 5, { groupId: 'life', members: [{ memberId }] }),
    leftTwice: await kafka.ask(leaveGroup, 5, { groupId: 'life', members: [{ memberId }] }),
    describedEmpty: await kafka.ask(describeGroups, 5, { groups: ['life'] }),
    deleted: await kafka.ask(deleteGroups, 2, { groupsNames: ['life'] }),
    deletedTwice: await kafka.ask(deleteGroups, 2, { groupsNames: ['life'] }),
  }
}

/** The only member of a group comes back with protocols of which the group knows none. */
async function otherProtocols(kafka: RawKafka): Promise<unknown> {
  const rejoin = (memberId: string, protocol: string): Promise<JoinGroupResponse> =>
    join({ groupId: 'others', memberId, protocols: [protocol] })(kafka)
  const { memberId } = await rejoin('', 'range')
  const { generationId } = await rejoin(memberId, 'range')
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  await kafka.ask(syncGroup, 5, { groupId: 'others', generationId, memberId, protocolType: 'consumer', protocolName: 'range', assignments })
  return rejoin(memberId, 'another')
}

/** Groups of one member, and their offsets. */
export const groupActions: readonly KafkaAction[] = [
  { name: 'find a coordinator', run: (kafka) => kafka.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] }) },
  { name: 'find a coordinator of nothing', run: (kafka) => kafka.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: [''] }) },
  { name: 'find a coordinator of a strange kind', run: (kafka) => kafka.ask(findCoordinator, 4, { keyType: 9, coordinatorKeys: ['g'] }) },
  { name: 'commit without members', run: commit({}) },
  { name: 'commit for an unknown topic', run: commit({ topic: 'missing' }) },
  { name: 'commit for an unknown partition', run: commit({ partition: 9 }) },
  { name: 'commit long metadata', run: commit({ text: 'x'.repeat(5_000) }) },
  { name: 'commit as a member of no group', run: commit({ groupId: 'nobodys', generation: 3, memberId: 'm' }) },
  {
    name: 'committed offsets',
    run: (kafka) => kafka.ask(offsetFetch, 7, { groupId: 'g', topics: [{ name: T, partitionIndexes: [0, 1] }], requireStable: true }),
  },
  { name: 'all committed offsets', run: (kafka) => kafka.ask(offsetFetch, 7, { groupId: 'g', topics: null }) },
  { name: 'committed offsets of no group', run: (kafka) => kafka.ask(offsetFetch, 7, { groupId: 'none', topics: null }) },
  { name: 'join with a short session', run: join({ sessionTimeoutMs: 1 }) },
  { name: 'join with a long session', run: join({ sessionTimeoutMs: 100_000_000 }) },
  { name: 'join without a group', run: join({ groupId: '' }) },
  { name: 'join without protocols', run: join({ protocols: [] }) },
  { name: 'join as a stranger', run: join({ memberId: 'stranger' }) },
  { name: 'life of a member', run: lifeOfAMember },
  { name: 'join again with other protocols', run: otherProtocols },
  { name: 'describe a missing group', run: (kafka) => kafka.ask(describeGroups, 5, { groups: ['none'] }) },
  { name: 'delete a missing group', run: (kafka) => kafka.ask(deleteGroups, 2, { groupsNames: ['none'] }) },
  { name: 'leave a missing group', run: (kafka) => kafka.ask(leaveGroup, 5, { groupId: 'none', members: [{ memberId: 'm' }] }) },
  { name: 'beat in a missing group', run: (kafka) => kafka.ask(heartbeat, 4, { groupId: 'none', generationId: 1, memberId: 'm' }) },
]
