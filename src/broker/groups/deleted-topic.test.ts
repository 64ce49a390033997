import { afterEach, expect, it } from 'vitest'
import { errorCodes } from '../../kafka-wire/index.ts'
import { Releasers } from '../../platform/index.ts'
import type { BrokerState } from '../requests/handler.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openBroker } from '../testing/open-broker.ts'
import { testBatch } from '../testing/open-test-log.ts'
import { takeTurns } from '../testing/simulation/life.ts'

const config = { 'offsets.topic.num.partitions': '1', 'transaction.state.log.num.partitions': '1' }
let releasers = new Releasers()
afterEach(() => releasers.close())

async function open(disk: MemoryDisk): Promise<BrokerState> {
  await releasers.close()
  const opened = await openBroker(disk, new ManualClock(), config)
  releasers = opened.releasers
  return opened.broker
}

const commit = (broker: BrokerState, producer?: { producerId: number; epoch: number; mayWrite(): number }): Promise<number> =>
  broker.groups.commit('g', {
    memberId: '',
    instanceId: null,
    generationId: -1,
    knowsEpochs: true,
    offsets: [{ topic: 't', partition: 0, offset: 5, leaderEpoch: 0, metadata: '' }],
    ...(producer ? { producer } : {}),
  })

async function remove(broker: BrokerState): Promise<void> {
  const topic = broker.topics.get('t')
  if (topic) await broker.topics.delete(topic, () => broker.groups.forgetTopics(new Set(['t'])))
}

async function made(disk: MemoryDisk): Promise<BrokerState> {
  const broker = await open(disk)
  await broker.topics.create('t', 1)
  await broker.groups.ready()
  return broker
}

const committed = (broker: BrokerState): number | undefined => broker.groups.offsets('g').get('t', 0)?.offset

it('an offset that is being committed while its topic is deleted is not one of the next topic of that name, after a restart neither', async () => {
  const disk = new MemoryDisk()
  const broker = await made(disk)
  const sync = Promise.withResolvers<void>()
  disk.holdSyncs = sync.promise
  const committing = commit(broker)
  await takeTurns()
  disk.holdSyncs = Promise.resolve()
  const deletion = remove(broker)
  await takeTurns(50)
  sync.resolve()
  await Promise.all([committing, deletion])
  await broker.topics.create('t', 1)
  expect(committed(broker)).toBeUndefined()
  expect(committed(await open(disk))).toBeUndefined()
})

it('an offset in a transaction that is committed after its topic was deleted is none either', async () => {
  const disk = new MemoryDisk()
  const broker = await made(disk)
  expect(await commit(broker, { producerId: 7, epoch: 0, mayWrite: () => errorCodes.NONE })).toBe(errorCodes.NONE)
  await remove(broker)
  await broker.topics.create('t', 1)
  const log = broker.topics.get('__consumer_offsets')?.logs[0]
  const appended = log?.appendMarker({ producerId: 7, epoch: 0, commit: true, coordinatorEpoch: 0 })
  if (appended?.ok) await log?.visible(appended.endOffset)
  broker.groups.endTransaction(0, 7, true)
  expect(committed(broker)).toBeUndefined()
  expect(committed(await open(disk))).toBeUndefined()
})

it('offsets of a topic that was deleted just before kill -9 are forgotten by the next start', async () => {
  const disk = new MemoryDisk()
  const broker = await made(disk)
  await commit(broker)
  const topic = broker.topics.get('t')
  // Killed before anything of the groups was written.
  if (topic) await broker.topics.delete(topic, () => Promise.resolve())
  const again = await open(disk)
  expect(committed(again)).toBeUndefined()
  await again.topics.create('t', 1)
  expect(committed(await open(disk))).toBeUndefined()
})

it('a topic that is made again at once keeps what is written into it', async () => {
  const disk = new MemoryDisk()
  const broker = await made(disk)
  const [, again] = await Promise.all([remove(broker), broker.topics.create('t', 2)])
  expect(again).toMatchObject({ ok: true })
  const log = broker.topics.get('t')?.logs[0]
  const appended = log?.append(testBatch(3))
  if (appended?.ok) await log?.visible(appended.endOffset)
  const logs = (await open(disk)).topics.get('t')?.logs
  expect([logs?.length, logs?.[0]?.logEndOffset]).toEqual([2, 3])
})
