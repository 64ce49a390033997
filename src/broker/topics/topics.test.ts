import { expect, it } from 'vitest'
import { errorCodes } from '../../kafka-wire/index.ts'
import { FailingDisk } from '../testing/failing-disk.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openBroker } from '../testing/open-broker.ts'
import { testBatch } from '../testing/open-test-log.ts'

const many = Array.from({ length: 50 }, (_, i) => `t${i}`)
const label = (disk: MemoryDisk, folder: string): string => Buffer.from(disk.readFile(`/data/${folder}/partition.metadata`)).toString()

it('topics that are made at once are written down together, and are there with their ids when the power goes', async () => {
  const disk = new MemoryDisk()
  const failing = new FailingDisk(disk, Infinity)
  const first = await openBroker(failing, new ManualClock())
  let catalogues = 0
  const replace = failing.replaceFile.bind(failing)
  failing.replaceFile = (path, content) => {
    if (path.endsWith('topics.json')) catalogues++
    replace(path, content)
  }
  const made = await Promise.all(many.map((name) => first.broker.topics.create(name, 3)))
  expect([made.every(({ ok }) => ok), catalogues, disk.syncs]).toEqual([true, 1, 0])
  const folder = disk.copy()
  folder.cutPower()
  const second = await openBroker(folder, new ManualClock())
  expect(second.broker.topics.all().map(({ name, id }) => `${name} ${id}`)).toEqual(
    first.broker.topics.all().map(({ name, id }) => `${name} ${id}`),
  )
  expect(label(folder, 't7-2')).toBe(label(disk, 't7-2'))
  await first.releasers.close()
  await second.releasers.close()
})

it('what a new topic acknowledged is there when the power goes, and an empty one closes without a write', async () => {
  const disk = new MemoryDisk()
  const failing = new FailingDisk(disk, Infinity)
  const { broker, releasers } = await openBroker(failing, new ManualClock())
  await broker.topics.create('t', 2)
  const log = broker.topics.get('t')?.logs[0]
  const appended = log?.append(testBatch(3))
  expect(appended?.ok && (await log?.visible(appended.endOffset))).toBe(null)
  const folder = disk.copy()
  folder.cutPower()
  const after = await openBroker(folder, new ManualClock())
  expect(after.broker.topics.get('t')?.logs.map(({ logEndOffset }) => logEndOffset)).toEqual([3, 0])
  for (const partition of ['t-0', 't-1']) expect(label(folder, partition)).toBe(label(disk, partition))
  await after.releasers.close()
  await releasers.close()
  expect(disk.list('/data/t-1')).toEqual(['00000000000000000000.log', 'partition.metadata'])
})

it('a topic id that a power cut tore in its folder is there again after the start, and stays there when the power goes once more', async () => {
  const disk = new MemoryDisk()
  const { broker, releasers } = await openBroker(disk, new ManualClock())
  await broker.topics.create('t', 1)
  const log = broker.topics.get('t')?.logs[0]
  const appended = log?.append(testBatch(1))
  expect(appended?.ok && (await log?.visible(appended.endOffset))).toBe(null)
  const written = label(disk, 't-0')
  const torn = disk.copy()
  // The file has its length already, and none of its bytes.
  torn.tear((unsynced) => Buffer.alloc(unsynced.length))
  expect(label(torn, 't-0')).toBe('\0'.repeat(written.length))
  const after = await openBroker(torn, new ManualClock())
  torn.cutPower()
  expect(label(torn, 't-0')).toBe(written)
  await after.releasers.close()
  await releasers.close()
})

it('topics that cannot be written down are none, and can be made once there is room', async () => {
  const disk = new FailingDisk(new MemoryDisk(), Infinity)
  const { broker, releasers } = await openBroker(disk, new ManualClock())
  const replace = disk.replaceFile.bind(disk)
  disk.replaceFile = (path, content) => {
    if (path.endsWith('topics.json')) throw new Error('no room')
    replace(path, content)
  }
  const failed = await Promise.all(many.map((name) => broker.topics.create(name, 1)))
  expect(failed.map((outcome) => !outcome.ok && outcome.errorCode)).toEqual(many.map(() => errorCodes.KAFKA_STORAGE_ERROR))
  expect(broker.topics.all()).toEqual([])
  disk.replaceFile = replace
  expect((await broker.topics.create('t1', 1)).ok).toBe(true)
  await releasers.close()
})

it('who asks for a topic that is just being made, or for one that differs in a dot, is told so once it is there', async () => {
  const { broker, releasers } = await openBroker(new MemoryDisk(), new ManualClock())
  const asked = [broker.topics.create('a.b', 3), broker.topics.create('a.b', 5), broker.topics.create('a_b', 1)]
  const [first, second, twin] = await Promise.all(asked)
  expect(first?.ok).toBe(true)
  expect(second).toMatchObject({ ok: false, errorCode: errorCodes.TOPIC_ALREADY_EXISTS })
  expect(twin).toMatchObject({ ok: false, errorCode: errorCodes.INVALID_TOPIC_EXCEPTION })
  expect(broker.topics.all().map(({ name, logs }) => [name, logs.length])).toEqual([['a.b', 3]])
  await releasers.close()
})

it('a topic that is made larger by two at once has each partition once, and what is written to them is there after a start', async () => {
  const disk = new MemoryDisk()
  const { broker, releasers } = await openBroker(disk, new ManualClock())
  const made = await broker.topics.create('t', 1)
  if (!made.ok) throw new Error(made.message)
  const grown = await Promise.all([broker.topics.addPartitions(made.topic, 2), broker.topics.addPartitions(made.topic, 4)])
  expect(grown.map(({ ok }) => ok)).toEqual([true, true])
  expect(await broker.topics.addPartitions(made.topic, 3)).toMatchObject({ errorCode: errorCodes.INVALID_PARTITIONS })
  expect(made.topic.logs.map(({ partition }) => partition)).toEqual([0, 1, 2, 3])
  for (const log of made.topic.logs) log.append(testBatch(log.partition + 1))
  await releasers.close()
  const after = await openBroker(disk, new ManualClock())
  expect(after.broker.topics.get('t')?.logs.map(({ logEndOffset }) => logEndOffset)).toEqual([1, 2, 3, 4])
  await after.releasers.close()
})

it('a topic that is deleted while it is made larger leaves nothing behind, and one of its name begins anew', async () => {
  const disk = new MemoryDisk()
  const { broker, releasers } = await openBroker(disk, new ManualClock())
  const made = await broker.topics.create('t', 1)
  if (!made.ok) throw new Error(made.message)
  const larger = broker.topics.addPartitions(made.topic, 3)
  const deleted = broker.topics.delete(made.topic, () => Promise.resolve())
  const again = broker.topics.create('t', 1)
  expect(await larger).toMatchObject({ ok: false, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION })
  await deleted
  expect((await again).ok).toBe(true)
  expect(['t-0', 't-1', 't-2'].map((folder) => disk.list(`/data/${folder}`).length)).toEqual([2, 0, 0])
  await releasers.close()
})
