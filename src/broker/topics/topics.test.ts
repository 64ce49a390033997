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
  await after.releasers.close()
  await releasers.close()
  expect(disk.list('/data/t-1')).toEqual(['00000000000000000000.log', 'partition.metadata'])
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
