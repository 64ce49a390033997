import { afterEach, describe, expect, it } from 'vitest'
import { errorCodes } from '../../kafka-wire/index.ts'
import { Releasers } from '../../platform/index.ts'
import type { BrokerState } from '../requests/handler.ts'
import { FailingDisk } from '../testing/failing-disk.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openBroker } from '../testing/open-broker.ts'
import { takeTurns } from '../testing/simulation/life.ts'
import { noPartitions } from './consumer/partitions.ts'
import type { HeartbeatInput } from './consumer/heartbeat.ts'
import type { JoinInput } from './member.ts'

const sessionMs = 10_000
const config = {
  'offsets.topic.num.partitions': '1',
  'offsets.topic.segment.bytes': '2000',
  // Each batch has its place in the indexes.
  'log.index.interval.bytes': '0',
}

const rejected: unknown[] = []
const note = (reason: unknown): void => void rejected.push(reason)
let releasers = new Releasers()

afterEach(async () => {
  process.off('unhandledRejection', note)
  await releasers.close()
})

async function open(): Promise<{ broker: BrokerState; disk: FailingDisk; clock: ManualClock }> {
  rejected.length = 0
  process.on('unhandledRejection', note)
  const clock = new ManualClock()
  const disk = new FailingDisk(new MemoryDisk(), Infinity)
  disk.refusal = 'DISK_FULL'
  const opened = await openBroker(disk, clock, config)
  const { broker } = opened
  releasers = opened.releasers
  await broker.topics.create('t', 1)
  await broker.groups.ready()
  return { broker, disk, clock }
}

const member: JoinInput = {
  memberId: '',
  instanceId: null,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: sessionMs,
  rebalanceTimeoutMs: sessionMs,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0xff, 0xff, 0xff, 0xff]) }],
  needsMemberId: false,
  canSkipAssignment: false,
}
const beat: HeartbeatInput = {
  memberId: 'm',
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  rebalanceTimeoutMs: sessionMs,
  subscribedTopicNames: ['t'],
  subscribedTopicRegex: null,
  serverAssignor: null,
  owned: noPartitions,
}
const commit = (broker: BrokerState, metadata = ''): Promise<number> =>
  broker.groups.commit('of-nobody', {
    memberId: '',
    instanceId: null,
    generationId: -1,
    knowsEpochs: true,
    offsets: [{ topic: 't', partition: 0, offset: 5, leaderEpoch: 0, metadata }],
  })
const told = [errorCodes.NONE, errorCodes.COORDINATOR_NOT_AVAILABLE]
const steps = Array.from({ length: 12 }, (_, step) => step)

describe('a disk that fails at any step', () => {
  it('is an error code for those who ask, and nothing else, when members go silent, leave and commit', async () => {
    for (const step of steps) {
      const { broker, disk, clock } = await open()
      const joined = await broker.groups.join('classic', member)
      const of = { memberId: joined.memberId, instanceId: null, generationId: joined.generationId }
      const assignments = [{ memberId: joined.memberId, assignment: Buffer.from('all') }]
      await broker.groups.sync('classic', { ...of, protocolType: null, protocolName: null, assignments })
      expect(await broker.groups.consumerHeartbeat('consumer', beat)).toMatchObject({ errorCode: errorCodes.NONE })
      // Too large for the segment: rolling stops half-way, so that what comes next must read its indexes again.
      disk.allow(step)
      expect(told).toContain(await commit(broker, 'x'.repeat(1800)))
      disk.allow(Infinity)
      disk.isDeaf = true
      const waiting = commit(broker)
      // Both sessions are over: what the groups become then is written by their timers.
      clock.advance(120_000)
      await takeTurns()
      expect(told).toContain(await waiting)
      expect(told).toContain(await commit(broker))
      expect([broker.groups.get('classic')?.state, broker.groups.get('consumer')?.state]).toEqual(['empty', 'empty'])
      expect(told).toContain((await broker.groups.consumerHeartbeat('consumer', beat)).errorCode)
      expect(rejected).toEqual([])
      await releasers.close()
      process.off('unhandledRejection', note)
    }
  })

  it('keeps a consumer group what it is when its end cannot be written: a member of the older protocol is told to try again', async () => {
    const { broker, disk } = await open()
    await broker.groups.consumerHeartbeat('g', beat)
    await broker.groups.leave('g', 'm', null)
    disk.allow(0)
    expect(await broker.groups.join('g', member)).toMatchObject({ errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE })
    expect(broker.groups.get('g')?.kind).toBe('consumer')
  })
})
