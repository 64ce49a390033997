import { expect, it } from 'vitest'
import { errorCodes, findCoordinator, heartbeat, joinGroup, leaveGroup, offsetCommit, syncGroup } from '../kafka-wire/index.ts'
import { Cluster } from './cluster.ts'
import { encodeAssignment } from './consumer-protocol.ts'
import { GroupMember } from './group-member.ts'
import { resolveConnectOptions, resolveConsumerOptions } from './options.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

const zero = { topic: 't', partition: 0 }

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
