import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openTestLog, testBatch } from '../testing/open-test-log.ts'
import { checkLog, dumpLog, repairLog } from './inspect.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'

const dir = '/data/t-0'
const points = '/data/recovery-point-offset-checkpoint'
const configs = { 'segment.bytes': '400', 'index.interval.bytes': '60' }

/** Twelve batches of two records in several segments, closed in order. */
async function written(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const { log } = await openTestLog(disk, { configs })
  for (let i = 0; i < 12; i++) log.append(testBatch(2, { producerId: 5, sequence: 2 * i, transactional: true }))
  log.appendMarker({ producerId: 5, epoch: 0, commit: false, coordinatorEpoch: 0 })
  await log.close()
  writeCheckpoint(disk, points, [
    ['other', 1, 9],
    ['t', 0, 25],
  ])
  return disk
}

describe('a log as files', () => {
  it('is told batch by batch, with its records and markers, and found sound', async () => {
    const disk = await written()
    const batches: string[] = []
    const checked = dumpLog(
      disk,
      dir,
      ({ baseOffset, lastOffset, marker, content }) => batches.push(`${baseOffset} ${lastOffset} ${marker} ${content?.length}`),
      {
        records: true,
      },
    )
    expect(batches.slice(-2)).toEqual(['22 23 null 2', '24 24 abort undefined'])
    expect(checked).toMatchObject({ batches: 13, records: 24, startOffset: 0, endOffset: 25, faults: [] })
    expect(checked.segments).toBeGreaterThan(2)
    expect(await repairLog(disk, '/data', 't-0')).toBeNull()
  })

  it('is cut at its first damage, says what went, and opens again without a loss before it, wherever the damage is', async () => {
    const sound = await written()
    const logs = sound.list(dir).filter((name) => name.endsWith('.log'))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...logs), fc.nat(300), async (name, at) => {
        const disk = sound.copy()
        const path = `${dir}/${name}`
        disk.damage(path, at % disk.readFile(path).length)
        const before = checkLog(disk, dir)
        if (before.faults.length === 0) return // in a base offset or a leader epoch, which no checksum covers
        const repaired = await repairLog(disk, '/data', 't-0')
        expect(repaired?.cutBytes).toBeGreaterThan(0)
        expect(checkLog(disk, dir).faults).toEqual([])
        expect(readCheckpoint(disk, points, 3)).toEqual([
          ['other', '1', '9'],
          ['t', '0', '0'],
        ])
        const { log, cutBytes } = await openTestLog(disk, { configs })
        expect([log.logEndOffset, cutBytes]).toEqual([repaired?.endOffset, 0])
        await log.close()
      }),
      { numRuns: 100 },
    )
  })

  it('tells an index that points nowhere, and takes it away', async () => {
    const disk = await written()
    const index = disk.list(dir).find((name) => name.endsWith('.index') && disk.readFile(`${dir}/${name}`).length > 0) ?? ''
    disk.damage(`${dir}/${index}`, 4)
    expect(checkLog(disk, dir).faults).toMatchObject([{ file: `${dir}/${index}` }])
    expect(await repairLog(disk, '/data', 't-0')).toMatchObject({ cutBytes: 0, endOffset: 25, removed: [`${dir}/${index}`] })
    expect((await openTestLog(disk, { configs, recoveryPoint: 25 })).log.logEndOffset).toBe(25)
  })
})
