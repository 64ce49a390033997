import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressSync } from 'snappy'
import {
  decodeBatch,
  decodeBatchInto,
  encodeBatch,
  patchBatch,
  readBatchHeader,
  readHeaders,
  RecordColumns,
  verifyBatchCrc,
  type BatchHeader,
  type Compression,
  type KafkaRecord,
} from '../index.ts'

/** Hexadecimal, field by field. */
const joined = (...fields: string[]): string => fields.join('')
const codecs: Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const blob = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const nullable = fc.option(blob)
const arbitraryRecord = fc.record({
  key: nullable,
  value: nullable,
  timestampMs: fc.oneof(fc.integer({ min: -1, max: 2 ** 42 }), fc.constantFrom(0, 2 ** 52, 1_700_000_000_000)),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: nullable }), { maxLength: 3 }),
})
const records = fc.array(arbitraryRecord, { minLength: 1, maxLength: 20 })
const plain = [
  { key: Buffer.from('a'), value: Buffer.from('one'), timestampMs: 1000 },
  { key: null, value: null, timestampMs: 999 },
]

function headerOf(bytes: Uint8Array, at = 0): BatchHeader {
  const header = readBatchHeader(bytes, at)
  if (header === null) throw new Error('no batch')
  return header
}

function rowsOf(columns: RecordColumns): KafkaRecord[] {
  const { bytes, keyAt, valueAt, headersAt } = columns
  const range = (at: Int32Array, row: number): Uint8Array | null => {
    const start = at[row * 2] ?? -1
    return start < 0 ? null : Buffer.from(bytes.subarray(start, at[row * 2 + 1]))
  }
  return Array.from({ length: columns.length }, (_, row) => ({
    offset: columns.offsets[row] ?? 0n,
    timestampMs: columns.timestampMs[row] ?? 0,
    key: range(keyAt, row),
    value: range(valueAt, row),
    headers: (headersAt[row * 2] ?? -1) < 0 ? [] : readHeaders(bytes, headersAt[row * 2] ?? 0, headersAt[row * 2 + 1] ?? 0),
  }))
}

describe.each(codecs)('a batch with codec %s', (compression) => {
  test('comes back as it was written, as objects and as columns', () => {
    fc.assert(
      fc.property(records, fc.bigInt({ min: 0n, max: 2n ** 62n }), (input, baseOffset) => {
        const bytes = encodeBatch({ records: input, compression, baseOffset })
        const header = headerOf(bytes)
        expect(header).toMatchObject({
          compression,
          sizeBytes: bytes.byteLength,
          recordCount: input.length,
          lastOffsetDelta: input.length - 1,
        })
        expect(verifyBatchCrc(bytes, 0, header)).toBe(true)
        const expected = input.map((record, i) => ({ ...record, offset: baseOffset + BigInt(i) }))
        expect(decodeBatch(bytes, 0, header)).toEqual({ ok: true, records: expected })
        const columns = new RecordColumns(20)
        expect(decodeBatchInto(bytes, 0, header, columns)).toEqual({ is: 'appended', rows: input.length })
        expect(rowsOf(columns)).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  })

  test('damaged anywhere in its records is read or refused with a reason, alike by both decoders', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(records, damage, fc.nat(), (input, damages, cut) => {
        const bytes = encodeBatch({ records: input, compression })
        for (const [at, value] of damages) bytes[57 + (at % (bytes.byteLength - 57))] = value
        if (cut % 3 === 0) bytes.writeInt32BE(49 + (cut % (bytes.byteLength - 61 + 1)), 8)
        const header = headerOf(bytes)
        const objects = decodeBatch(bytes, 0, header)
        const columns = new RecordColumns(1000)
        const appended = decodeBatchInto(bytes, 0, header, columns)
        if (header.recordCount > 1000) expect(appended.is).toBe('full')
        else expect(appended.is).toBe(objects.ok ? 'appended' : 'malformed')
        if (objects.ok) expect(rowsOf(columns)).toEqual(objects.records)
        else expect(columns.length).toBe(0)
      }),
      { numRuns: 150 },
    )
  })

  test('larger than a block of its codec comes back whole', () => {
    const value = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i) % 251))
    const bytes = encodeBatch({ records: [{ key: null, value, timestampMs: 0 }], compression })
    const result = decodeBatch(bytes, 0, headerOf(bytes))
    expect(result.ok && result.records[0]?.value !== null && value.equals(result.records[0]?.value ?? Buffer.alloc(0))).toBe(true)
  })
})

describe('the header of a batch', () => {
  test('lies where KIP-98 puts it', () => {
    const bytes = encodeBatch({
      records: plain,
      compression: 'none',
      baseOffset: 5n,
      partitionLeaderEpoch: 6,
      producerId: 7n,
      producerEpoch: 8,
      baseSequence: 9,
      isTransactional: true,
      isControl: true,
    })
    expect(headerOf(bytes)).toEqual({
      baseOffset: 5n,
      batchLength: bytes.byteLength - 12,
      partitionLeaderEpoch: 6,
      magic: 2,
      crc: bytes.readUInt32BE(17),
      attributes: 0x30,
      lastOffsetDelta: 1,
      baseTimestamp: 1000n,
      maxTimestamp: 1000n,
      producerId: 7n,
      producerEpoch: 8,
      baseSequence: 9,
      recordCount: 2,
      sizeBytes: bytes.byteLength,
      compression: 'none',
      isTransactional: true,
      isControl: true,
      deleteHorizonMs: null,
      timestampType: 'CreateTime',
    })
    // length 10 | attributes | timestamp +0 | offset +0 | key 1 "a" | value 3 "one" | no headers; length 6 | … −1 | +1 | null | null | none
    expect(bytes.subarray(61).toString('hex')).toBe(
      joined('14', '00', '00', '00', '0261', '066f6e65', '00', '0c', '00', '01', '02', '01', '01', '00'),
    )
  })

  test('is null where there is no whole batch', () => {
    const bytes = encodeBatch({ records: plain, compression: 'none' })
    expect(readBatchHeader(bytes, 1)).toBeNull()
    expect(readBatchHeader(bytes.subarray(0, 60), 0)).toBeNull()
    expect(readBatchHeader(bytes.subarray(0, -1), 0)).toBeNull()
    expect(readBatchHeader(Buffer.alloc(100), 0)).toBeNull()
    const unknownCodec = Buffer.from(bytes)
    unknownCodec[22] = 7
    expect(readBatchHeader(unknownCodec, 0)).toBeNull()
  })

  test('takes base offset and leader epoch in place, and the CRC still holds', () => {
    const bytes = Buffer.concat([Buffer.alloc(3), encodeBatch({ records: plain, compression: 'lz4' })])
    patchBatch(bytes, 3, { baseOffset: 2n ** 40n, partitionLeaderEpoch: 12 })
    const header = headerOf(bytes, 3)
    expect(header).toMatchObject({ baseOffset: 2n ** 40n, partitionLeaderEpoch: 12 })
    expect(verifyBatchCrc(bytes, 3, header)).toBe(true)
    bytes[40] = (bytes[40] ?? 0) ^ 1
    expect(verifyBatchCrc(bytes, 3, headerOf(bytes, 3))).toBe(false)
  })

  test('with LogAppendTime gives all records the batch time', () => {
    const bytes = encodeBatch({ records: plain, compression: 'none' })
    bytes.writeInt16BE(8, 21)
    const header = headerOf(bytes)
    const columns = new RecordColumns(2)
    decodeBatchInto(bytes, 0, header, columns)
    expect([...columns.timestampMs]).toEqual([1000, 1000])
    const result = decodeBatch(bytes, 0, header)
    expect(result.ok && result.records.map((record) => record.timestampMs)).toEqual([1000, 1000])
  })
})

describe('columns', () => {
  test('take several uncompressed batches of one answer, and refuse what does not fit or lies in other bytes', () => {
    const one = encodeBatch({ records: plain, compression: 'none', baseOffset: 0xffff_fffen })
    const two = encodeBatch({ records: plain, compression: 'none', baseOffset: 0x1_0000_0000n })
    const answer = Buffer.concat([one, two])
    const columns = new RecordColumns(5)
    decodeBatchInto(answer, 0, headerOf(answer), columns)
    decodeBatchInto(answer, one.byteLength, headerOf(answer, one.byteLength), columns)
    expect(rowsOf(columns).map((row) => row.offset)).toEqual([0xffff_fffen, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n])
    expect(decodeBatchInto(answer, 0, headerOf(answer), columns)).toEqual({ is: 'full' })
    columns.length = 2
    expect(decodeBatchInto(one, 0, headerOf(one), columns)).toEqual({ is: 'other-bytes' })
    expect(columns.length).toBe(2)
  })
})

describe('what other clients write', () => {
  test('snappy as one raw block (librdkafka) is read', () => {
    const written = encodeBatch({ records: plain, compression: 'none' })
    const batch = Buffer.concat([written.subarray(0, 61), compressSync(written.subarray(61))])
    batch[22] = 2
    batch.writeInt32BE(batch.byteLength - 12, 8)
    expect(decodeBatch(batch, 0, headerOf(batch))).toMatchObject({ ok: true, records: [{ offset: 0n }, { offset: 1n }] })
  })

  test('a count of records that the bytes cannot hold, and a snappy block that claims gigabytes, are refused', () => {
    const bytes = encodeBatch({ records: plain, compression: 'none' })
    bytes.writeInt32BE(0x7fff_ffff, 57)
    expect(decodeBatch(bytes, 0, headerOf(bytes))).toMatchObject({ ok: false })
    const bomb = Buffer.concat([bytes.subarray(0, 61), Buffer.from('ffffffff0f00', 'hex')])
    bomb[22] = 2
    bomb.writeInt32BE(bomb.byteLength - 12, 8)
    expect(decodeBatch(bomb, 0, headerOf(bomb))).toMatchObject({ ok: false })
  })
})
