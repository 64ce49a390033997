import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorCodes } from '../../kafka-wire/index.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openTestLog, testBatch } from '../testing/open-test-log.ts'

const segment0 = '/data/t-0/00000000000000000000.log'

describe('recovery', () => {
  it('cuts a torn batch, says how many bytes, and keeps every batch before it', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    log.append(testBatch(4))
    await log.visible(4)
    log.append(testBatch(4))
    disk.cutPower({ path: segment0, extraBytes: 50 })
    const lines: string[] = []
    const again = await openTestLog(disk, { lines })
    expect([again.cutBytes, again.log.logEndOffset, again.log.highWatermark]).toEqual([50, 4, 4])
    expect(lines.join('')).toContain('cut 50 bytes')
    expect(again.log.append(testBatch(1))).toMatchObject({ baseOffset: 4 })
    await again.log.close()
  })

  it('never loses an acknowledged record, wherever the power is cut (P1)', async () => {
    const steps = fc.array(fc.record({ count: fc.integer({ min: 1, max: 5 }), wait: fc.boolean() }), { minLength: 1, maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(400), fc.constantFrom(250, 700, 100_000), async (batches, extraBytes, segmentBytes) => {
        const disk = new MemoryDisk()
        const configs = { 'segment.bytes': String(segmentBytes), 'index.interval.bytes': '100' }
        const { log } = await openTestLog(disk, { configs })
        let acknowledged = 0
        for (const { count, wait } of batches) {
          const appended = log.append(testBatch(count))
          if (wait && appended.ok && (await log.visible(appended.endOffset)) === null) acknowledged = appended.endOffset
        }
        const recoveryPoint = log.syncedOffset
        const written = log.logEndOffset
        disk.cutPower({ path: log.segments.at(-1)?.file.path ?? '', extraBytes })
        const again = await openTestLog(disk, { recoveryPoint, configs, leaderEpoch: 1 })
        expect(again.log.logEndOffset).toBeGreaterThanOrEqual(acknowledged)
        expect(again.log.logEndOffset).toBeLessThanOrEqual(written)
        for (let offset = 0; offset < again.log.logEndOffset; offset++) {
          const read = again.log.read(offset, 1, true)
          expect(read.ok && read.records.length > 0).toBe(true)
        }
        await again.log.close()
      }),
      { numRuns: 60 },
    )
  })

  it('refuses to start on a batch damaged below the recovery point, and says what to do', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    log.append(testBatch(4))
    log.append(testBatch(4))
    await log.close()
    disk.damage(segment0, 80)
    await expect(openTestLog(disk, { recoveryPoint: 8 })).rejects.toMatchObject({
      code: 'DATA_CORRUPT',
      message: expect.stringContaining('millrace log repair t-0'),
    })
    expect((await openTestLog(disk, { recoveryPoint: 0 })).log.logEndOffset).toBe(0)
  })

  it('reads again only the last megabyte below the recovery point: damage shows there, and no byte before it is looked at', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    for (let i = 0; i < 60; i++) log.append(testBatch(1, { value: 'x'.repeat(50_000) }))
    await log.close()
    disk.damage(segment0, 200_000)
    const again = await openTestLog(disk, { recoveryPoint: 60, leaderEpoch: 1 })
    expect([again.log.logEndOffset, again.cutBytes]).toEqual([60, 0])
    expect(again.log.append(testBatch(1))).toMatchObject({ baseOffset: 60 })
    expect(again.log.read(59, 100, true)).toMatchObject({ ok: true })
    await again.log.close()
    disk.damage(segment0, 2_900_000)
    await expect(openTestLog(disk, { recoveryPoint: 61 })).rejects.toMatchObject({ code: 'DATA_CORRUPT' })
  })

  it('goes on from a checkpoint in the middle of a segment as if it had read everything, wherever the power is cut', async () => {
    const steps = fc.array(fc.record({ count: fc.integer({ min: 1, max: 4 }), producer: fc.nat(2), checkpoint: fc.boolean() }), {
      minLength: 2,
      maxLength: 25,
    })
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(300), async (batches, extraBytes) => {
        const disk = new MemoryDisk()
        const configs = { 'segment.bytes': '1500', 'index.interval.bytes': '100' }
        const { log } = await openTestLog(disk, { configs })
        const sequences = [0, 0, 0]
        let recoveryPoint = 0
        for (const { count, producer, checkpoint } of batches) {
          const sequence = sequences[producer] ?? 0
          log.append(testBatch(count, { producerId: producer, sequence, transactional: producer === 2 }))
          sequences[producer] = sequence + count
          if (!checkpoint) continue
          await log.checkpoint(0)
          log.recoveryPoint.keep()
          recoveryPoint = log.recoveryPoint.kept
        }
        disk.cutPower({ path: log.segments.at(-1)?.file.path ?? '', extraBytes })
        const copy = disk.copy()
        const fast = await openTestLog(disk, { configs, recoveryPoint, leaderEpoch: 1 })
        const slow = await openTestLog(copy, { configs, recoveryPoint: 0, leaderEpoch: 1 })
        const facts = ({ log: one, cutBytes }: typeof fast): unknown => ({
          cutBytes,
          ends: [one.logStartOffset, one.logEndOffset, one.lastStableOffset],
          producers: [...one.producers.entries()]
            .map(([id, { batches: known, transactionFrom }]) => [id, known, transactionFrom])
            .toSorted(([a], [b]) => Number(a) - Number(b)),
          found: Array.from({ length: one.logEndOffset }, (_, offset) => one.read(offset, 1, true)),
        })
        expect(facts(fast)).toEqual(facts(slow))
        await fast.log.close()
        await slow.log.close()
      }),
      { numRuns: 60 },
    )
  })

  it('refuses to start when synced records are missing', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    log.append(testBatch(4))
    await log.close()
    disk.remove(segment0)
    await expect(openTestLog(disk, { recoveryPoint: 4 })).rejects.toMatchObject({ code: 'DATA_CORRUPT' })
  })

  it('ends each epoch where the next start began, so that clients notice a cut log', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk, { leaderEpoch: 0 })
    log.append(testBatch(4))
    await log.visible(4)
    log.append(testBatch(4))
    disk.cutPower()
    const { log: second } = await openTestLog(disk, { leaderEpoch: 1 })
    second.append(testBatch(2))
    await second.close()
    const { log: third } = await openTestLog(disk, { leaderEpoch: 2, recoveryPoint: 6 })
    expect(third.epochs.endOf(0, third.logEndOffset)).toEqual({ epoch: 0, endOffset: 4 })
    expect(third.epochs.endOf(1, third.logEndOffset)).toEqual({ epoch: 1, endOffset: 6 })
    await third.close()
  })

  it('survives any bytes behind the recovery point', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (garbage) => {
        const disk = new MemoryDisk()
        const { log } = await openTestLog(disk)
        log.append(testBatch(2))
        await log.close()
        disk.open(segment0, { create: false }).write([garbage], log.segments[0]?.sizeBytes ?? 0)
        const again = await openTestLog(disk, { recoveryPoint: 2 })
        expect([again.log.logEndOffset, again.cutBytes]).toEqual([2, garbage.length])
        await again.log.close()
      }),
      { numRuns: 100 },
    )
  })

  it('tells a full disk from a broken one when a segment cannot be rolled', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk, { configs: { 'segment.bytes': '150' } })
    log.append(testBatch(2))
    await log.visible(2)
    disk.roomBytes = 0
    expect(log.append(testBatch(2))).toMatchObject({ ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR })
    disk.roomBytes = Infinity
    expect(log.append(testBatch(2))).toMatchObject({ ok: true, baseOffset: 2 })
    await log.close()
  })

  it('takes the producers of the first segment from its snapshot once retention removed what came before', async () => {
    const disk = new MemoryDisk()
    const configs = { 'segment.bytes': '300' }
    const { log } = await openTestLog(disk, { configs })
    for (let i = 0; i < 3; i++) log.append(testBatch(2, { producerId: 7, sequence: 2 * i }))
    for (let i = 0; i < 6; i++) log.append(testBatch(4))
    await log.visible(30)
    log.dropSegments(log.segments.length - 1)
    disk.cutPower()
    const again = await openTestLog(disk, { configs })
    expect(again.log.append(testBatch(1, { producerId: 7, sequence: 6 })).ok).toBe(true)
    expect(again.log.append(testBatch(1, { producerId: 7, sequence: 9 }))).toMatchObject({
      errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
    })
    await again.log.close()
  })

  it('goes on at its start when a power cut took more than what was deleted, and says so', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk, { flush: 'os' })
    log.append(testBatch(5))
    disk.cutPower()
    const lines: string[] = []
    const again = await openTestLog(disk, { flush: 'os', lines, logStartOffset: 4 })
    expect([again.log.logStartOffset, again.log.logEndOffset]).toEqual([4, 4])
    expect(again.log.append(testBatch(1))).toMatchObject({ baseOffset: 4 })
    expect(lines.join('')).toContain('begins anew')
    await again.log.close()
    const third = await openTestLog(disk, { flush: 'os', logStartOffset: 4, recoveryPoint: 5 })
    expect([third.log.logStartOffset, third.log.logEndOffset]).toEqual([4, 5])
    await third.log.close()
  })

  it("knows a producer's last batches, those in the segment before too: one that heard of none sends all again", async () => {
    const disk = new MemoryDisk()
    const configs = { 'segment.bytes': '250' }
    const { log } = await openTestLog(disk, { configs })
    for (let sequence = 0; sequence < 4; sequence++) log.append(testBatch(1, { producerId: 7, sequence }))
    await log.close()
    expect(log.segments.length).toBeGreaterThan(1)
    for (const recoveryPoint of [0, 2, 4]) {
      const again = await openTestLog(disk.copy(), { recoveryPoint, configs })
      const answers = [0, 1, 2, 3].map((sequence) => again.log.append(testBatch(1, { producerId: 7, sequence })))
      expect(answers).toMatchObject([{ baseOffset: 0 }, { baseOffset: 1 }, { baseOffset: 2 }, { baseOffset: 3 }])
      await again.log.close()
    }
  })

  it('goes on where the sound records end when only torn bytes follow the recovery point (P1)', async () => {
    for (const extraBytes of [1, 29, 60, 61, 90]) {
      const disk = new MemoryDisk()
      const { log } = await openTestLog(disk)
      log.append(testBatch(4))
      await log.checkpoint(0)
      log.append(testBatch(9))
      disk.cutPower({ path: segment0, extraBytes })
      const torn = await openTestLog(disk, { recoveryPoint: 4 })
      expect([torn.cutBytes, torn.log.logEndOffset]).toEqual([extraBytes, 4])
      const appended = torn.log.append(testBatch(1))
      expect(appended.ok && (await torn.log.visible(appended.endOffset))).toBeNull()
      disk.cutPower()
      const last = await openTestLog(disk, { recoveryPoint: 4 })
      expect([last.cutBytes, last.log.logEndOffset]).toEqual([0, 5])
      await last.log.close()
    }
  })

  it('rolls by the age of the first batch of the segment it takes up again', async () => {
    const disk = new MemoryDisk()
    const configs = { 'segment.ms': '1000', 'index.interval.bytes': '0' }
    const { log } = await openTestLog(disk, { configs })
    for (const timestampMs of [1_000, 1_500, 1_900]) log.append(testBatch(1, { timestampMs }))
    await log.close()
    const again = await openTestLog(disk, { configs, recoveryPoint: 3 })
    again.log.append(testBatch(1, { timestampMs: 2_100 }))
    expect(again.log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 3])
    await again.log.close()
  })
})
