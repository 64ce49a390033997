import { afterEach, describe, expect, it, vi } from 'vitest'
import { createTopics, deleteGroups, errorCodes, joinGroup, listGroups, offsetCommit, offsetFetch } from '../../kafka-wire/index.ts'
import { startBroker, type BrokerHandle } from '../index.ts'
import { connectTo, type Asking } from '../testing/ask.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'

const minuteMs = 60_000
let broker: BrokerHandle
let client: Asking

afterEach(async () => {
  client[Symbol.dispose]()
  await broker.close()
})

async function start(disk: MemoryDisk, clock: ManualClock): Promise<void> {
  const config = { 'offsets.retention.minutes': '60', 'offsets.retention.check.interval.ms': String(10 * minuteMs) }
  broker = await startBroker({ dataDir: '/data', disk, clock, listeners: [{ host: '127.0.0.1', port: 0 }], config })
  client = await connectTo(broker.address)
}

const commit = (groupId: string) =>
  client.ask(offsetCommit, 8, {
    groupId,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }] }],
  })
const offsetOf = async (groupId: string): Promise<bigint | undefined> =>
  (await client.ask(offsetFetch, 7, { groupId, topics: [{ name: 't', partitionIndexes: [0] }] })).topics[0]?.partitions[0]?.committedOffset

describe('committed offsets', () => {
  it('are forgotten offsets.retention.minutes after their last commit, with their group, for good; those of a group with members stay', async () => {
    const disk = new MemoryDisk()
    const clock = new ManualClock()
    await start(disk, clock)
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    await client.ask(createTopics, 7, { topics, timeoutMs: 1000, validateOnly: false })
    for (const group of ['idle', 'busy', 'read']) await commit(group)
    const protocols = [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0xff, 0xff, 0xff, 0xff]) }]
    const member = {
      groupId: 'read',
      sessionTimeoutMs: 1_800_000,
      rebalanceTimeoutMs: 1_800_000,
      memberId: '',
      protocolType: 'consumer',
      protocols,
    }
    await client.ask(joinGroup, 2, member)
    clock.advance(50 * minuteMs)
    await commit('busy')
    clock.advance(15 * minuteMs)
    await vi.waitFor(async () => expect([await offsetOf('idle'), await offsetOf('busy'), await offsetOf('read')]).toEqual([-1n, 1n, 1n]))
    const { groups } = await client.ask(listGroups, 4, { statesFilter: [] })
    expect(groups.map(({ groupId }) => groupId).toSorted()).toEqual(['busy', 'read'])
    client[Symbol.dispose]()
    await broker.close()
    await start(disk, clock)
    expect([await offsetOf('idle'), await offsetOf('busy')]).toEqual([-1n, 1n])
  })

  it('stay when their group was deleted while they were being written behind that', async () => {
    const disk = new MemoryDisk()
    await start(disk, new ManualClock())
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    await client.ask(createTopics, 7, { topics, timeoutMs: 1000, validateOnly: false })
    await commit('g')
    const held = Promise.withResolvers<void>()
    disk.holdSyncs = held.promise
    const syncs = disk.syncs
    const deleting = client.ask(deleteGroups, 2, { groupsNames: ['g'] })
    await vi.waitFor(() => expect(disk.syncs).toBeGreaterThan(syncs))
    const committing = commit('g')
    using other = await connectTo(broker.address)
    await other.ask(listGroups, 4, { statesFilter: [] })
    held.resolve()
    expect(await deleting).toMatchObject({ results: [{ errorCode: errorCodes.NONE }] })
    expect(await committing).toMatchObject({ topics: [{ partitions: [{ errorCode: errorCodes.NONE }] }] })
    expect(await offsetOf('g')).toBe(1n)
  })
})
