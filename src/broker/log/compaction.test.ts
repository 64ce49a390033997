import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBatch, encodeBatch, errorCodes, readBatchHeader, verifyBatchCrc, type Compression } from '../../kafka-wire/index.ts'
import type { Disk } from '../../platform/index.ts'
import { FailingDisk } from '../testing/failing-disk.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openTestLog, testBatch } from '../testing/open-test-log.ts'
import { batchSizeAt, lastOffsetAt } from './batch-view.ts'
import { compactionDue, compactLog } from './compact-log.ts'
import type { PartitionLog } from './partition-log.ts'
import { applyRetention } from './retention.ts'

const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '400', 'index.interval.bytes': '100', 'min.cleanable.dirty.ratio': '0' }
const pacing = { pause: () => Promise.resolve(), stopped: () => false }

interface Found {
  offset: number
  key: string
  value: string | null
  timestampMs: number
}

/** All records, and the markers as `!`. */
function readAll(log: PartitionLog, committedOnly = false): Found[] {
  const found: Found[] = []
  for (let offset = log.logStartOffset; ;) {
    const read = log.read(offset, 1 << 20, true, committedOnly)
    if (!read.ok || read.records.length === 0) return found
    for (let at = 0; at < read.records.length; at += batchSizeAt(read.records, at)) {
      const header = readBatchHeader(read.records, at)
      if (!header || !verifyBatchCrc(read.records, at, header)) throw new Error('a batch is damaged')
      const decoded = decodeBatch(read.records, at, header)
      if (!decoded.ok) throw new Error(decoded.reason)
      for (const { offset: own, key, value, timestampMs } of decoded.records) {
        const text = header.isControl ? '!' : Buffer.from(key ?? []).toString()
        found.push({ offset: Number(own), key: text, value: value && Buffer.from(value).toString(), timestampMs })
      }
      offset = lastOffsetAt(read.records, at) + 1
    }
  }
}

interface Entry {
  key: string
  value: string | null
}

function batchOf(entries: readonly Entry[], compression: Compression, timestampMs: number, over = {}): Uint8Array {
  const records = entries.map(({ key, value }, i) => ({
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestampMs: timestampMs + i,
  }))
  return encodeBatch({ records, compression, ...over })
}

/** What a checkpoint of the data folder does to one log. */
async function makePoint(log: PartitionLog): Promise<number> {
  await log.synced()
  await log.checkpoint(0)
  log.recoveryPoint.keep()
  return log.recoveryPoint.kept
}

async function compact(log: PartitionLog, disk: Disk, nowMs: number, cleanedTo = 0): Promise<number> {
  await makePoint(log)
  return compactLog(log, cleanedTo, { disk, nowMs, ...pacing })
}

const entry = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'a key that is longer than the others'),
  value: fc.option(fc.string({ maxLength: 20 })),
})
const batches = fc.array(
  fc.record({
    entries: fc.array(entry, { minLength: 1, maxLength: 4 }),
    compression: fc.constantFrom<Compression>('none', 'gzip', 'zstd'),
  }),
  {
    minLength: 5,
    maxLength: 40,
  },
)

/** What a reader of the whole log ends up with. */
const stateOf = (found: readonly Entry[]): Map<string, string> => {
  const state = new Map<string, string>()
  for (const { key, value } of found) {
    if (value === null) state.delete(key)
    else state.set(key, value)
  }
  return state
}

describe('compaction', () => {
  it('leaves the last record of each key at its offset and time, whatever was written, in however many passes', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 3 }), async (written, passes) => {
        const disk = new MemoryDisk()
        const clock = new ManualClock()
        const { log } = await openTestLog(disk, { configs, clock })
        let cleanedTo = 0
        for (const [i, { entries, compression }] of written.entries()) {
          log.append(batchOf(entries, compression, clock.nowMs()))
          clock.advance(1000)
          if (i % Math.ceil(written.length / passes) === 0) cleanedTo = await compact(log, disk, clock.nowMs(), cleanedTo)
        }
        await log.synced()
        const before = readAll(log)
        cleanedTo = await compact(log, disk, clock.nowMs(), cleanedTo)
        const after = readAll(log)
        expect(stateOf(after)).toEqual(stateOf(before))
        // What is left is what was there, and no key twice in the compacted part.
        expect(before).toEqual(expect.arrayContaining(after))
        const keys = after.filter(({ offset }) => offset < cleanedTo).map(({ key }) => key)
        expect(new Set(keys).size).toBe(keys.length)
        expect(compactionDue(log, cleanedTo, clock.nowMs())).toBe(false)
        await log.close()
        const again = await openTestLog(disk, { configs, clock, recoveryPoint: log.logEndOffset, leaderEpoch: 1 })
        expect(readAll(again.log)).toEqual(after)
        await again.log.close()
      }),
      { numRuns: 30 },
    )
  })

  it('loses nothing when the broker is killed at any step of it', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.nat(40), async (written, steps) => {
        const disk = new MemoryDisk()
        const { log } = await openTestLog(disk, { configs })
        for (const { entries, compression } of written) log.append(batchOf(entries, compression, 1))
        await log.visible(log.logEndOffset)
        const before = readAll(log)
        const recoveryPoint = await makePoint(log)
        // Nothing after so many changes of the disk happens any more.
        await compact(log, new FailingDisk(disk, steps), 1).catch(() => 0)
        disk.cutPower()
        const again = await openTestLog(disk, { configs, recoveryPoint, leaderEpoch: 1 })
        expect(stateOf(readAll(again.log))).toEqual(stateOf(before))
        expect(again.log.logEndOffset).toBe(log.logEndOffset)
        await again.log.close()
      }),
      { numRuns: 50 },
    )
  })

  it('loses nothing when the disk fails at any step of it, and the broker is killed at any step of the next try', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(40), fc.nat(12), async (steps, stepsOfNext) => {
        const disk = new MemoryDisk()
        const { log } = await openTestLog(disk, { configs })
        const write = (key: string, value: string): void => void log.append(batchOf([{ key, value }], 'none', 1))
        for (let i = 0; i < 12; i++) {
          write(`${i}`, 'kept')
          write('again', 'x'.repeat(150))
        }
        // What is left is small: several segments go into one the next time.
        const cleanedTo = await compact(log, disk, 1)
        for (let i = 0; i < 4; i++) write('again', 'x'.repeat(150))
        await log.visible(log.logEndOffset)
        const before = readAll(log)
        const recoveryPoint = await makePoint(log)
        for (const changes of [steps, stepsOfNext]) await compact(log, new FailingDisk(disk, changes), 1, cleanedTo).catch(() => 0)
        disk.cutPower()
        const again = await openTestLog(disk, { configs, recoveryPoint, leaderEpoch: 1 })
        expect(stateOf(readAll(again.log))).toEqual(stateOf(before))
        await again.log.close()
      }),
      { numRuns: 200 },
    )
  })

  it('keeps a tombstone for delete.retention.ms from when compaction saw it first', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk, { configs: { ...configs, 'delete.retention.ms': '1000', 'segment.bytes': '150' } })
    log.append(batchOf([{ key: 'a', value: 'x' }], 'none', 1))
    log.append(batchOf([{ key: 'a', value: null }], 'none', 2))
    for (const key of ['b', 'c', 'd']) log.append(batchOf([{ key, value: 'x'.repeat(40) }], 'none', 3))
    const values = (): (readonly [string, string | null, number])[] =>
      readAll(log).map(({ key, value, timestampMs }) => [key, value, timestampMs])
    await compact(log, disk, 10_000)
    expect(values()[0]).toEqual(['a', null, 2])
    await compact(log, disk, 10_999)
    expect(values()[0]).toEqual(['a', null, 2])
    await compact(log, disk, 11_001)
    expect(values().map(([key]) => key)).toEqual(['b', 'c', 'd'])
    await log.close()
  })

  it('drops what was aborted, keeps markers as long as they are needed, and never touches an open transaction', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk, { configs: { ...configs, 'segment.bytes': '200', 'delete.retention.ms': '1000' } })
    const write = (producerId: number, baseSequence: number, key: string, value: string): void => {
      const over = { producerId: BigInt(producerId), producerEpoch: 0, baseSequence, isTransactional: true }
      expect(log.append(batchOf([{ key, value }], 'none', 1, over))).toMatchObject({ ok: true })
    }
    const end = (producerId: number, commit: boolean): void => {
      expect(log.appendMarker({ producerId, epoch: 0, commit, coordinatorEpoch: 0 })).toMatchObject({ ok: true })
    }
    write(1, 0, 'a', 'committed')
    end(1, true)
    write(2, 0, 'a', 'aborted')
    end(2, false)
    write(1, 1, 'b', 'old')
    end(1, true)
    write(1, 2, 'b', 'new')
    end(1, true)
    write(3, 0, 'c', 'open')
    for (let i = 0; i < 6; i++) log.append(batchOf([{ key: 'd', value: `${i}` }], 'none', 1))
    await compact(log, disk, 1)
    const found = readAll(log).map(({ key, value }) => (key === '!' ? '!' : `${key}=${value}`))
    expect(found.slice(0, 3)).toEqual(['a=committed', '!', '!'])
    expect(found).not.toContain('a=aborted')
    expect(found).not.toContain('b=old')
    expect(found).toContain('b=new')
    // Behind the open transaction nothing was compacted.
    expect(found.filter((one) => one.startsWith('d='))).toHaveLength(6)
    expect(readAll(log, true).some(({ key }) => key === 'c')).toBe(false)
    expect(log.append(testBatch(1, { producerId: 2, sequence: 1 }))).toMatchObject({ ok: true })
    expect(log.append(testBatch(1, { producerId: 1, sequence: 9 }))).toMatchObject({ errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER })
    await log.close()
  })

  it('leaves a segment alone that is damaged: nothing behind the damage is dropped, and no damage gets a checksum', async () => {
    for (const damagedAt of [9, 100]) {
      const disk = new MemoryDisk()
      const { log } = await openTestLog(disk, { configs })
      for (let i = 0; i < 20; i++) log.append(batchOf([{ key: `${i}`, value: 'x'.repeat(50) }], 'none', 1))
      await makePoint(log)
      const path = log.segments[0]?.file.path ?? ''
      disk.damage(path, damagedAt)
      const before = Buffer.from(disk.readFile(path))
      await expect(compactLog(log, 0, { disk, nowMs: 1, ...pacing })).rejects.toMatchObject({ code: 'DATA_CORRUPT' })
      expect(Buffer.from(disk.readFile(path)).equals(before)).toBe(true)
      await log.close()
    }
  })

  it('leaves nothing that a later start takes for an open transaction', async () => {
    const disk = new MemoryDisk()
    const short = { ...configs, 'segment.bytes': '150', 'delete.retention.ms': '1000' }
    const { log } = await openTestLog(disk, { configs: short })
    const over = { producerId: 1n, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    log.append(batchOf([{ key: 'a', value: 'old' }], 'none', 1, over))
    log.appendMarker({ producerId: 1, epoch: 0, commit: true, coordinatorEpoch: 0 })
    for (let i = 0; i < 6; i++) log.append(batchOf([{ key: 'a', value: `${i}` }], 'none', 1))
    for (const nowMs of [1, 2000, 4000]) await compact(log, disk, nowMs)
    expect(readAll(log).filter(({ key }) => key === '!')).toEqual([])
    await log.close()
    for (const name of disk.list('/data/t-0')) if (/snapshot$|index$/.test(name)) disk.remove(`/data/t-0/${name}`)
    const again = await openTestLog(disk, { configs: short, recoveryPoint: log.logEndOffset, leaderEpoch: 1 })
    expect(again.log.lastStableOffset).toBe(again.log.logEndOffset)
    await again.log.close()
  })

  it('leaves gaps that a start without a recovery point does not take for a loss', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk, { configs })
    for (let i = 0; i < 40; i++) log.append(batchOf([{ key: i % 8 === 0 ? `${i}` : 'again', value: 'x'.repeat(50) }], 'none', 1))
    const cleanedTo = await compact(log, disk, 1)
    const before = readAll(log)
    await log.close()
    const again = await openTestLog(disk, { configs, recoveryPoint: 0, cleanedTo, leaderEpoch: 1 })
    expect([readAll(again.log), again.cutBytes]).toEqual([before, 0])
    await again.log.close()
  })

  it('waits for min.compaction.lag.ms, does not wait beyond max.compaction.lag.ms, and lets retention go on where both are wanted', async () => {
    const disk = new MemoryDisk()
    const clock = new ManualClock()
    const lagging = { ...configs, 'cleanup.policy': 'compact,delete', 'retention.ms': '100000', 'min.compaction.lag.ms': '5000' }
    const { log } = await openTestLog(disk, { configs: lagging, clock })
    for (let i = 0; i < 20; i++) log.append(batchOf([{ key: 'a', value: 'x'.repeat(50) }], 'none', clock.nowMs()))
    await makePoint(log)
    expect(compactionDue(log, 0, clock.nowMs() + 4000)).toBe(false)
    expect(compactionDue(log, 0, clock.nowMs() + 6000)).toBe(true)
    clock.advance(200_000)
    expect(applyRetention(log, clock.nowMs())).toBeGreaterThan(0)
    await log.close()
  })
})
