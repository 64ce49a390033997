import type { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { errorCodes, findCoordinator, heartbeat, joinGroup, leaveGroup, offsetCommit, syncGroup } from '../kafka-wire/index.ts'
import { Cluster } from './cluster.ts'
import { encodeAssignment } from './consumer-protocol.ts'
import { GroupMember } from './group-member.ts'
import { type ConsumerOptions, resolveConnectOptions, resolveConsumerOptions } from './options.ts'
import { on, onMetadata, type ScriptedBroker, startScriptedBroker } from './scripted-broker.ts'
import { type Clock, systemClock } from '../platform/index.ts'

const zero = { topic: 't', partition: 0 }
const commitOfZero = [{ ...zero, offset: 1n, leaderEpoch: -1, metadata: '' }]

/** A broker whose group has this member alone, in one generation after another. `onCommit` answers with an error code, or null: not at all. */
function brokerOf(onCommit: (generationId: number, socket: Socket) => number | null): Promise<ScriptedBroker> {
  let generationId = 0
  const assignment = encodeAssignment({ partitions: [{ topic: 't', partitions: [0] }], userData: null })
  return startScriptedBroker((port) => [
    onMetadata(port, { t: 1 }),
    on(findCoordinator, () => ({
      coordinators: [{ key: 'g', nodeId: 1, host: '127.0.0.1', port: port(), errorCode: 0, errorMessage: null }],
    })),
    on(joinGroup, ({ protocols }) => ({
      errorCode: 0,
      generationId: ++generationId,
      protocolType: 'consumer',
      protocolName: protocols[0]?.name ?? '',
      leader: 'other',
      memberId: 'm',
      members: [],
    })),
    on(syncGroup, () => ({ errorCode: 0, assignment })),
    on(heartbeat, () => ({ errorCode: 0 })),
    on(leaveGroup, () => ({ errorCode: 0 })),
    on(offsetCommit, ({ topics, generationIdOrMemberEpoch }, socket) => {
      const errorCode = onCommit(generationIdOrMemberEpoch, socket)
      if (errorCode === null) return undefined
      return { topics: topics.map(({ name }) => ({ name, partitions: [{ partitionIndex: 0, errorCode }] })) }
    }),
  ])
}

function memberOf(
  broker: ScriptedBroker,
  options: Partial<ConsumerOptions>,
  clock: Clock = systemClock,
): { member: GroupMember } & AsyncDisposable {
  const cluster = new Cluster(resolveConnectOptions({ bootstrapServers: [broker.address], clientId: 'test' }), clock)
  const resolved = resolveConsumerOptions({ groupId: 'g', topics: ['t'], startingOffsets: 'earliest', ...options })
  const member = new GroupMember(cluster, resolved, 'test', () => undefined)
  member.polled()
  return {
    member,
    [Symbol.asyncDispose]: async () => {
      member.abandon()
      await cluster.close()
    },
  }
}

it('a static member whose place another one took is refused, and its heartbeats end', async () => {
  await using broker = await brokerOf(() => errorCodes.FENCED_INSTANCE_ID)
  const timers = new Set<() => void>()
  const clock: Clock = {
    ...systemClock,
    after: (ms, callback) => {
      const cancel = systemClock.after(ms, callback)
      timers.add(callback)
      return () => {
        timers.delete(callback)
        cancel()
      }
    },
  }
  await using group = memberOf(broker, { groupInstanceId: 'i' }, clock)
  const { member } = group
  await member.join([])
  await expect(member.commit(commitOfZero)).rejects.toMatchObject({ details: { errorName: 'FENCED_INSTANCE_ID' } })
  expect(member.refusal).toMatchObject({ details: { errorName: 'FENCED_INSTANCE_ID' } })
  // A rejection that nobody sees would end the process.
  for (const due of timers) due()
  await new Promise((resolve) => setImmediate(resolve))
})

it('a commit of an earlier generation that is sent again does not end the membership that followed', async () => {
  const unanswered: Socket[] = []
  await using broker = await brokerOf((generationId, socket) => {
    if (generationId === 2) return errorCodes.NONE
    return unanswered.push(socket) === 1 ? null : errorCodes.ILLEGAL_GENERATION
  })
  await using group = memberOf(broker, { assignor: 'range' })
  const { member } = group
  await member.join([])
  const late = member.commit(commitOfZero)
  late.catch(() => undefined)
  await vi.waitFor(() => expect(unanswered).toHaveLength(1), { timeout: 60_000 })
  await member.join([])
  unanswered[0]?.destroy()
  await expect(late).rejects.toMatchObject({ details: { errorName: 'ILLEGAL_GENERATION' } })
  expect(member.hasLost).toBe(false)
  await member.commit(commitOfZero)
})

it.each(['while it joins', 'when it has joined'])(
  'a commit that the next generation of the group overtook, told %s, is one to make again: what the member kept is its own',
  async (moment) => {
    let generationId = 0
    let joins = 0
    const assignment = encodeAssignment({ partitions: [{ topic: 't', partitions: [0] }], userData: null })
    const isJoining = (): boolean => generationId === 2 && moment === 'while it joins'
    await using broker = await startScriptedBroker((port) => [
      onMetadata(port, { t: 1 }),
      on(findCoordinator, () => ({
        coordinators: [{ key: 'g', nodeId: 1, host: '127.0.0.1', port: port(), errorCode: 0, errorMessage: null }],
      })),
      on(joinGroup, () => ({
        errorCode: 0,
        generationId: ++generationId,
        protocolType: 'consumer',
        protocolName: 'cooperative-sticky',
        leader: 'other',
        memberId: 'm',
        members: [],
      })),
      on(syncGroup, () => {
        if (isJoining()) return undefined
        joins++
        return { errorCode: 0, assignment }
      }),
      on(heartbeat, () => ({ errorCode: 0 })),
      on(leaveGroup, () => ({ errorCode: 0 })),
      on(offsetCommit, ({ topics }) => {
        const errorCode = isJoining() || joins === 2 ? errorCodes.ILLEGAL_GENERATION : errorCodes.COORDINATOR_LOAD_IN_PROGRESS
        return {
          topics: topics.map(({ name }) => ({ name, partitions: [{ partitionIndex: 0, errorCode }] })),
        }
      }),
    ])
    const cluster = new Cluster(resolveConnectOptions({ bootstrapServers: [broker.address], clientId: 'test' }))
    const options = resolveConsumerOptions({ groupId: 'g', topics: ['t'], startingOffsets: 'earliest', assignor: 'cooperative-sticky' })
    const member = new GroupMember(cluster, options, 'test', () => undefined)
    await using closing = new AsyncDisposableStack()
    closing.defer(() => cluster.close())
    closing.defer(() => member.abandon())
    member.polled()
    const owned = await member.join([])
    expect(owned).toEqual([zero])
    const joining = member.join(owned)
    joining.catch(() => undefined)
    const committing = member.commit([{ ...zero, offset: 1n, leaderEpoch: -1, metadata: '' }])
    await expect(committing).rejects.toMatchObject({ details: { errorName: 'REBALANCE_IN_PROGRESS' } })
    if (moment === 'when it has joined') await joining
    expect(member.hasLost).toBe(false)
  },
)
