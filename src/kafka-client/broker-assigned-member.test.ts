import type { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { consumerGroupHeartbeat, errorCodes, findCoordinator, metadata, offsetCommit } from '../kafka-wire/index.ts'
import { BrokerAssignedMember } from './broker-assigned-member.ts'
import { Cluster } from './cluster.ts'
import { resolveConnectOptions, resolveConsumerOptions } from './options.ts'
import { on, startScriptedBroker } from './scripted-broker.ts'

const topicId = '00000000-0000-4000-8000-000000000001'
const WITHIN = { timeout: 60_000 }
const zero = { topic: 't', partition: 0 }
const commit = [{ ...zero, offset: 1n, leaderEpoch: -1, metadata: '' }]

interface Scripted extends AsyncDisposable {
  readonly member: BrokerAssignedMember
  /** Epochs that were sent with heartbeats; −1 is a leaving. */
  readonly heartbeats: number[]
}

/** A member of a group of one topic with one partition. `onHeartbeat` says how the n-th one (from 0) is answered; null: it is not. */
async function scripted(
  onHeartbeat: (n: number, socket: Socket) => number | null,
  onCommit: () => number = () => errorCodes.NONE,
): Promise<Scripted> {
  const heartbeats: number[] = []
  let epoch = 0
  const broker = await startScriptedBroker((port) => [
    on(metadata, () => ({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: port() }],
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: 't',
          topicId,
          partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 0, replicaNodes: [1], isrNodes: [1] }],
        },
      ],
    })),
    on(findCoordinator, () => ({
      coordinators: [{ key: 'g', nodeId: 1, host: '127.0.0.1', port: port(), errorCode: 0, errorMessage: null }],
    })),
    on(consumerGroupHeartbeat, ({ memberId, memberEpoch }, socket) => {
      const errorCode = onHeartbeat(heartbeats.push(memberEpoch) - 1, socket)
      if (errorCode === null) return undefined
      return {
        errorCode,
        errorMessage: null,
        throttleTimeMs: 0,
        memberId,
        memberEpoch: ++epoch,
        heartbeatIntervalMs: 60_000,
        assignment: { topicPartitions: [{ topicId, partitions: [0] }] },
      }
    }),
    on(offsetCommit, ({ topics }) => ({
      topics: topics.map(({ name }) => ({ name, partitions: [{ partitionIndex: 0, errorCode: onCommit() }] })),
    })),
  ])
  const cluster = new Cluster(resolveConnectOptions({ bootstrapServers: [broker.address], clientId: 'test' }))
  const options = resolveConsumerOptions({ groupId: 'g', topics: ['t'], startingOffsets: 'earliest', groupProtocol: 'consumer' })
  const member = new BrokerAssignedMember(cluster, options, 'test', () => undefined)
  member.polled()
  return {
    member,
    heartbeats,
    [Symbol.asyncDispose]: async () => {
      member.abandon()
      await cluster.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}

it('joins again though a heartbeat of its former membership is on its way', async () => {
  const waiting: Socket[] = []
  await using group = await scripted((n, socket) => {
    if (n !== 1) return errorCodes.NONE
    waiting.push(socket)
    return null
  })
  const { member, heartbeats } = group
  expect(await member.join()).toEqual([zero])
  member.adopted([zero])
  await vi.waitFor(() => expect(waiting).toHaveLength(1), WITHIN)
  const joining = member.join()
  waiting[0]?.destroy()
  expect(await joining).toEqual([zero])
  expect(heartbeats.slice(0, 3)).toEqual([0, 1, 0])
})

it('a commit that an earlier membership made does not end the one that followed', async () => {
  const late = Promise.withResolvers<void>()
  let commits = 0
  await using group = await scripted(
    () => errorCodes.NONE,
    () => {
      commits++
      late.resolve()
      return errorCodes.UNKNOWN_MEMBER_ID
    },
  )
  const { member } = group
  await member.join()
  member.adopted([zero])
  const committing = member.commit(commit)
  committing.catch(() => undefined)
  // While the answer is on its way.
  await late.promise
  const joining = member.join()
  await expect(committing).rejects.toMatchObject({ details: { errorName: 'UNKNOWN_MEMBER_ID' } })
  expect(await joining).toEqual([zero])
  expect(member.hasLost).toBe(false)
  expect(commits).toBe(1)
})
