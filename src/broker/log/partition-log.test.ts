import { describe, expect, it } from 'vitest'
import { decodeBatch, encodeBatch, errorCodes, readBatchHeader } from '../../kafka-wire/index.ts'
import { parseTopicConfig } from '../topics/topic-configs.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openTestLog, testBatch } from '../testing/open-test-log.ts'
import { batchSizeAt, baseOffsetAt, lastOffsetAt } from './batch-view.ts'
import { earliestOffset, latestOffset, offsetForTime, offsetOfMaxTimestamp } from './offset-lookup.ts'
import type { PartitionLog } from './partition-log.ts'
import { applyRetention } from './retention.ts'

/** All records from an offset on, fetched as a consumer does. */
function readAll(log: PartitionLog, from = 0, maxBytes = 1 << 20): { offset: number; value: string }[] {
  const found: { offset: number; value: string }[] = []
  for (let offset = from; ;) {
    const read = log.read(offset, maxBytes, true)
    if (!read.ok || read.records.length === 0) return found
    for (let at = 0; at < read.records.length; at += batchSizeAt(read.records, at)) {
      const header = readBatchHeader(read.records, at)
      const decoded = header && decodeBatch(read.records, at, header)
      if (!decoded?.ok) throw new Error('a batch could not be read')
      for (const record of decoded.records) {
        if (Number(record.offset) >= from) found.push({ offset: Number(record.offset), value: Buffer.from(record.value ?? []).toString() })
      }
      offset = lastOffsetAt(read.records, at) + 1
    }
  }
}

describe('a partition log', () => {
  it('shows records only once they are synced, and answers acks=all then (P1)', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    const held = Promise.withResolvers<void>()
    disk.holdSyncs = held.promise
    expect(log.append(testBatch(3))).toMatchObject({ ok: true, baseOffset: 0, endOffset: 3 })
    expect([log.logEndOffset, log.highWatermark, readAll(log).length]).toEqual([3, 0, 0])
    const visible = log.visible(3)
    held.resolve()
    expect(await visible).toBeNull()
    expect([log.highWatermark, readAll(log).length]).toEqual([3, 3])
    await log.close()
  })

  it('remembers no transaction whose marker can be seen, whether or not anybody reads', async () => {
    const { log } = await openTestLog(new MemoryDisk())
    for (let i = 0; i < 20; i++) {
      log.append(testBatch(1, { producerId: 1, sequence: i, transactional: true }))
      log.appendMarker({ producerId: 1, epoch: 0, commit: true, coordinatorEpoch: 0 })
    }
    expect(log.producers.ending).toBe(20)
    await log.visible(log.logEndOffset)
    expect(log.producers.ending).toBe(0)
    expect(log.lastStableOffset).toBe(40)
    await log.close()
  })

  it('is undecided from its start on when the beginning of an open transaction was deleted', async () => {
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os' })
    for (let i = 0; i < 3; i++) log.append(testBatch(1, { producerId: 1, sequence: i, transactional: true }))
    expect(log.lastStableOffset).toBe(0)
    log.deleteBefore(2)
    expect([log.logStartOffset, log.lastStableOffset]).toEqual([2, 2])
    expect(log.read(log.lastStableOffset, 1_000, true, true)).toMatchObject({ ok: true })
    await log.close()
  })

  it('joins the appends of one turn into one sync', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    const before = disk.syncs
    for (let i = 0; i < 50; i++) log.append(testBatch(1))
    await log.visible(50)
    expect(disk.syncs - before).toBe(1)
    await log.close()
  })

  it('rolls a segment by the time of its records, however old they are', async () => {
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os', configs: { 'segment.ms': '60000' } })
    for (let i = 0; i < 4; i++) log.append(testBatch(1, { timestampMs: 1_000 + i }))
    expect(log.segments.length).toBe(1)
    log.append(testBatch(1, { timestampMs: 61_001 }))
    expect(log.segments.length).toBe(2)
    await log.close()
  })

  it('shows records at once with flush os', async () => {
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os' })
    log.append(testBatch(3))
    expect(log.highWatermark).toBe(3)
    await log.close()
  })

  it('gives back every record from any offset across segments, with any fetch size', async () => {
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os', configs: { 'segment.bytes': '600', 'index.interval.bytes': '100' } })
    const values: string[] = []
    for (let i = 0; i < 40; i++) {
      const count = (i % 4) + 1
      log.append(testBatch(count, { value: `v${i}-` }))
      for (let k = 0; k < count; k++) values.push(`v${i}-${k}`)
    }
    expect(log.segments.length).toBeGreaterThan(5)
    for (const maxBytes of [1, 200, 100_000]) {
      for (let from = 0; from <= values.length; from += 7) {
        expect(readAll(log, from, maxBytes)).toEqual(values.slice(from).map((value, i) => ({ offset: from + i, value })))
      }
    }
    expect(log.bytesFrom(0, Infinity)).toBe(log.sizeBytes)
    await log.close()
  })

  it('starts a fetch with the batch that holds the offset', async () => {
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os' })
    log.append(testBatch(10))
    log.append(testBatch(10))
    const read = log.read(13, 1 << 20, true)
    expect(read.ok && baseOffsetAt(read.records, 0)).toBe(10)
    expect(log.read(21, 100, true)).toEqual({ ok: false, errorCode: errorCodes.OFFSET_OUT_OF_RANGE })
    await log.close()
  })

  it('refuses what is damaged, too large, keyless on a compacted topic, or of another record format', async () => {
    const { log } = await openTestLog(new MemoryDisk(), { configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '500' } })
    const damaged = testBatch(1)
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1
    const old = testBatch(1)
    old[16] = 1
    const keyless = encodeBatch({ records: [{ key: null, value: Buffer.from('x'), timestampMs: 1 }], compression: 'none' })
    expect(log.append(damaged)).toMatchObject({ ok: false, errorCode: errorCodes.CORRUPT_MESSAGE })
    expect(log.append(testBatch(100))).toMatchObject({ ok: false, errorCode: errorCodes.MESSAGE_TOO_LARGE })
    expect(log.append(keyless)).toMatchObject({ ok: false, errorCode: errorCodes.INVALID_RECORD })
    expect(log.append(old)).toMatchObject({ ok: false, errorCode: errorCodes.INVALID_RECORD })
    expect(log.append(Buffer.concat([testBatch(1), testBatch(1)]))).toMatchObject({ ok: false, errorCode: errorCodes.INVALID_RECORD })
    expect(log.logEndOffset).toBe(0)
    await log.close()
  })

  it('stamps batches with its own time where the topic says LogAppendTime, with a checksum that holds', async () => {
    const clock = new ManualClock()
    const disk = new MemoryDisk()
    const configs = { 'message.timestamp.type': 'LogAppendTime' }
    const { log } = await openTestLog(disk, { clock, configs })
    expect(log.append(testBatch(2, { timestampMs: 5 }))).toMatchObject({ logAppendTimeMs: clock.nowMs() })
    await log.close()
    const again = await openTestLog(disk, { recoveryPoint: 2, configs })
    expect(again.cutBytes).toBe(0)
    expect(offsetOfMaxTimestamp(again.log)).toMatchObject({ offset: 0, timestampMs: clock.nowMs() })
    await again.log.close()
  })

  it('tells producers to retry while the disk is full, leaves no part of a batch behind, and goes on when there is room', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    log.append(testBatch(1, { value: 'first' }))
    await log.visible(1)
    disk.roomBytes = 20
    expect(log.append(testBatch(5))).toMatchObject({ ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR })
    disk.roomBytes = Infinity
    expect(log.append(testBatch(1, { value: 'second' }))).toMatchObject({ ok: true, baseOffset: 1 })
    await log.visible(2)
    expect(readAll(log).map(({ value }) => value)).toEqual(['first0', 'second0'])
    await log.close()
  })

  it('goes offline when a sync fails and never tries again (P1)', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk)
    disk.failSyncs = true
    log.append(testBatch(1))
    expect(await log.visible(1)).toMatchObject({ code: 'DISK_FAILED' })
    disk.failSyncs = false
    const syncs = disk.syncs
    expect(log.append(testBatch(1))).toMatchObject({ ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR })
    expect(log.read(0, 100, true)).toEqual({ ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR })
    await log.close()
    expect(disk.syncs).toBe(syncs)
  })

  it('finds offsets by time, and the earliest, latest and newest', async () => {
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os', configs: { 'segment.bytes': '400', 'index.interval.bytes': '80' } })
    for (let i = 0; i < 20; i++) log.append(testBatch(5, { timestampMs: 1000 + i * 10 }))
    for (let time = 990; time < 1200; time++) {
      const found = offsetForTime(log, time)
      const i = Math.max(0, Math.floor((time - 1000) / 10))
      const within = Math.max(0, time - (1000 + i * 10))
      const expected = within <= 4 ? i * 5 + within : (i + 1) * 5
      expect(found?.offset ?? 100).toBe(Math.min(expected, 100))
    }
    expect(offsetForTime(log, 5000)).toBeNull()
    expect(earliestOffset(log).offset).toBe(0)
    expect(latestOffset(log)).toMatchObject({ offset: 100, leaderEpoch: 0 })
    expect(offsetOfMaxTimestamp(log)).toMatchObject({ offset: 99, timestampMs: 1194 })
    await log.close()
  })

  it('removes whole old segments by time and by size', async () => {
    const clock = new ManualClock()
    const { log } = await openTestLog(new MemoryDisk(), {
      flush: 'os',
      clock,
      configs: { 'segment.bytes': '300', 'retention.ms': '10000', 'retention.bytes': '-1' },
    })
    for (let i = 0; i < 10; i++) log.append(testBatch(2, { timestampMs: clock.nowMs() + i * 2000 }))
    await log.synced()
    const segments = log.segments.length
    clock.advance(16_000)
    expect(applyRetention(log, clock.nowMs())).toBeGreaterThan(0)
    expect(log.segments.length).toBeLessThan(segments)
    expect(log.read(0, 100, true)).toEqual({ ok: false, errorCode: errorCodes.OFFSET_OUT_OF_RANGE })
    expect(readAll(log, log.logStartOffset).at(-1)?.offset).toBe(19)
    log.configure(parseTopicConfig({ 'retention.bytes': '1' }, () => null))
    applyRetention(log, clock.nowMs())
    // The active segment stays, and the last one before it until a later sync is over.
    expect(log.segments.length).toBeLessThanOrEqual(2)
    expect(readAll(log, log.logStartOffset).at(-1)?.offset).toBe(19)
    await log.close()
  })
})

describe('an idempotent producer', () => {
  it('gets the original offset for each of its last five batches, and an error for a gap', async () => {
    const disk = new MemoryDisk()
    const { log } = await openTestLog(disk, { flush: 'os' })
    const send = (sequence: number, target = log, epoch = 0) => target.append(testBatch(2, { producerId: 7, sequence, epoch }))
    for (let i = 0; i < 7; i++) expect(send(i * 2)).toMatchObject({ ok: true, baseOffset: i * 2 })
    for (let i = 2; i < 7; i++) expect(send(i * 2)).toMatchObject({ ok: true, baseOffset: i * 2 })
    expect(send(2)).toMatchObject({ ok: false, errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(send(16)).toMatchObject({ ok: false, errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(log.logEndOffset).toBe(14)
    await log.close()
    const { log: again } = await openTestLog(disk, { recoveryPoint: 14 })
    for (let i = 2; i < 7; i++) expect(send(i * 2, again)).toMatchObject({ ok: true, baseOffset: i * 2 })
    expect(send(14, again)).toMatchObject({ ok: true, baseOffset: 14 })
    expect(send(0, again, 1)).toMatchObject({ ok: true, baseOffset: 16 })
    expect(send(16, again)).toMatchObject({ ok: false, errorCode: errorCodes.INVALID_PRODUCER_EPOCH })
    await again.close()
  })

  it('is remembered through the snapshot beside a segment', async () => {
    const disk = new MemoryDisk()
    const configs = { 'segment.bytes': '200' }
    const { log } = await openTestLog(disk, { flush: 'os', configs })
    log.append(testBatch(2, { producerId: 7, sequence: 0 }))
    for (let i = 0; i < 9; i++) log.append(testBatch(2))
    const end = log.logEndOffset
    await log.close()
    const { log: again } = await openTestLog(disk, { recoveryPoint: end, configs })
    expect(again.append(testBatch(2, { producerId: 7, sequence: 0 }))).toMatchObject({ ok: true, baseOffset: 0 })
    expect(again.append(testBatch(2, { producerId: 7, sequence: 5 }))).toMatchObject({
      ok: false,
      errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
    })
    await again.close()
  })
})
