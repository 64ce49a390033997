import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBatch, encodeBatch, errorCodes, readBatchHeader, verifyBatchCrc, type Compression } from '../../kafka-wire/index.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openTestLog } from '../testing/open-test-log.ts'
import { invalidTopicConfigs } from '../topics/topic-configs.ts'

const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const codec = fc.constantFrom(...codecs)
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const record = fc.record({ key: fc.option(bytes), value: fc.option(bytes), timestampMs: fc.integer({ min: 0, max: 2_000_000_000 }) })
const nameOf = (compression: Compression): string => (compression === 'none' ? 'uncompressed' : compression)

/** A sound checksum over attributes that lie. */
function claimsToBe(compression: Compression, batch: Buffer): Buffer {
  const lying = Buffer.from(batch)
  lying.writeInt16BE(codecs.indexOf(compression), 21)
  lying.writeUInt32BE(crc32c(lying.subarray(21)), 17)
  return lying
}

describe('compression.type of a topic', () => {
  it('is one of the codecs, uncompressed or that of the producer', () => {
    for (const type of [...codecs.map(nameOf), 'producer']) expect(invalidTopicConfigs({ 'compression.type': type })).toBeNull()
    for (const type of ['none', 'brotli', '']) expect(invalidTopicConfigs({ 'compression.type': type })).not.toBeNull()
  })

  it('is the codec in which batches are stored, whatever the producer used; producer, sequence, times and records stay', async () => {
    const input = fc.record({ sent: codec, kept: codec, records: fc.array(record, { minLength: 1, maxLength: 20 }) })
    await fc.assert(
      fc.asyncProperty(input, async ({ sent, kept, records }) => {
        const { log } = await openTestLog(new MemoryDisk(), { flush: 'os', configs: { 'compression.type': nameOf(kept) } })
        const ids = { producerId: 7n, producerEpoch: 3, baseSequence: 0 }
        const batch = encodeBatch({ records, compression: sent, ...ids })
        const times = readBatchHeader(batch, 0)
        expect(log.append(batch)).toMatchObject({ ok: true, baseOffset: 0, endOffset: records.length })
        const read = log.read(0, 1 << 20, true)
        const stored = read.ok ? read.records : Buffer.alloc(0)
        const header = readBatchHeader(stored, 0)
        expect(header).toMatchObject({ ...ids, compression: kept, recordCount: records.length, sizeBytes: stored.length })
        expect([header?.baseTimestamp, header?.maxTimestamp]).toEqual([times?.baseTimestamp, times?.maxTimestamp])
        expect(header && verifyBatchCrc(stored, 0, header)).toBe(true)
        const decoded = header && decodeBatch(stored, 0, header)
        const found = decoded?.ok ? decoded.records.map(({ key, value, timestampMs }) => ({ key, value, timestampMs })) : []
        expect(found).toEqual(records)
        // The same batch again is a duplicate, whatever became of its bytes.
        expect(log.append(encodeBatch({ records, compression: sent, ...ids }))).toMatchObject({ ok: true, baseOffset: 0 })
        expect(log.logEndOffset).toBe(records.length)
        await log.close()
      }),
      { numRuns: 60 },
    )
  })

  it('refuses records that its producer damaged, and a batch that gets too large by it', async () => {
    const configs = { 'compression.type': 'uncompressed', 'max.message.bytes': '1000' }
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os', configs })
    const large = [{ key: null, value: Buffer.alloc(5_000), timestampMs: 1 }]
    expect(log.append(encodeBatch({ records: large, compression: 'zstd' }))).toMatchObject({ errorCode: errorCodes.MESSAGE_TOO_LARGE })
    const plain = encodeBatch({ records: [{ key: null, value: Buffer.from('x'), timestampMs: 1 }], compression: 'none' })
    expect(log.append(claimsToBe('gzip', plain))).toMatchObject({ errorCode: errorCodes.CORRUPT_MESSAGE })
    expect(log.logEndOffset).toBe(0)
    await log.close()
  })

  it('keeps a transaction, and the time that the broker gives, and leaves its marker as it is', async () => {
    const configs = { 'compression.type': 'zstd', 'message.timestamp.type': 'LogAppendTime' }
    const clock = new ManualClock()
    const { log } = await openTestLog(new MemoryDisk(), { flush: 'os', configs, clock })
    const records = [{ key: null, value: Buffer.alloc(1_000), timestampMs: 1 }]
    const ids = { producerId: 7n, producerEpoch: 3, baseSequence: 0, isTransactional: true }
    const nowMs = clock.nowMs()
    expect(log.append(encodeBatch({ records, compression: 'gzip', ...ids }))).toMatchObject({ ok: true, logAppendTimeMs: nowMs })
    expect(log.lastStableOffset).toBe(0)
    expect(log.appendMarker({ producerId: 7, epoch: 3, commit: true, coordinatorEpoch: 0 })).toMatchObject({ ok: true })
    expect(log.lastStableOffset).toBe(2)
    const read = log.read(0, 1 << 20, true)
    const stored = read.ok ? read.records : Buffer.alloc(0)
    const first = readBatchHeader(stored, 0)
    const marker = first && readBatchHeader(stored, first.sizeBytes)
    const maxTimestamp = BigInt(nowMs)
    expect(first).toMatchObject({
      compression: 'zstd',
      isTransactional: true,
      isControl: false,
      timestampType: 'LogAppendTime',
      maxTimestamp,
    })
    expect(first && verifyBatchCrc(stored, 0, first)).toBe(true)
    expect(marker).toMatchObject({ compression: 'none', isControl: true })
    await log.close()
  })
})
