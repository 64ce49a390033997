import { expect, test } from 'vitest'
import { FailingDisk } from '../testing/failing-disk.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openTestLog } from '../testing/open-test-log.ts'
import { newTransaction } from './transaction.ts'
import { writeMarkers } from './write-markers.ts'

test('what has its marker gets no second one while another partition cannot be written', async () => {
  const failing = new FailingDisk(new MemoryDisk(), 1_000)
  const { log: healthy } = await openTestLog(new MemoryDisk())
  const { log: sick } = await openTestLog(failing)
  failing.allow(0)
  const topic = { name: 't', id: 'id', internal: false, configs: {}, logs: [healthy, sick] }
  const parts = { topics: { get: () => topic }, groups: { endTransaction: () => {} }, coordinatorEpoch: 0 }
  const state = { ...newTransaction('x', 7, 60_000, 0), status: 'PrepareCommit' as const, partitions: new Map([['t', new Set([0, 1])]]) }
  const done = new Set<typeof healthy>()
  for (let tries = 0; tries < 3; tries++) expect(await writeMarkers(state, parts, done)).toBe(false)
  expect(healthy.logEndOffset).toBe(1)
  expect([...done]).toEqual([healthy])
  await healthy.close()
})
