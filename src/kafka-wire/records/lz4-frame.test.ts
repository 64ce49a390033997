import * as fc from 'fast-check'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import { expect, test } from 'vitest'
import { decodeBatch, encodeBatch, readBatchHeader } from '../index.ts'
import { lz4Limit } from './lz4-frame.ts'

const headerBytes = 7
const endBytes = 4
const blockBytes = 4 << 20

/** So many times the same full block of zeros: each of 16 kB says 4 MiB. */
function zeros(blocks: number): Buffer {
  const frame = compressFrameSync(Buffer.alloc(2 * blockBytes))
  const block = frame.subarray(headerBytes, headerBytes + 4 + frame.readUInt32LE(headerBytes))
  return Buffer.concat([frame.subarray(0, headerBytes), ...Array.from({ length: blocks }, () => block), Buffer.alloc(endBytes)])
}

test('a frame never unpacks to more than its limit, and one of full blocks to just that', () => {
  const piece = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.integer({ min: 1, max: 4_000 }))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const bytes = Buffer.concat(pieces.map(([part, times]) => Buffer.concat(Array.from({ length: times }, () => part))))
      expect(lz4Limit(compressFrameSync(bytes))).toBeGreaterThanOrEqual(bytes.length)
    }),
    { numRuns: 100 },
  )
  expect(lz4Limit(zeros(3))).toBe(3 * blockBytes)
  expect(decompressFrameSync(zeros(3))).toHaveLength(3 * blockBytes)
})

test('any bytes have a limit, or are no frame', () => {
  const frame = compressFrameSync(Buffer.from('some records, some records, some records'))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: frame.length }), (noise, kept) => {
      expect(lz4Limit(Buffer.concat([frame.subarray(0, Math.max(kept, headerBytes)), noise]))).toBeGreaterThanOrEqual(0)
    }),
  )
  for (const odd of [Buffer.alloc(0), Buffer.alloc(20), frame.subarray(0, 6)]) expect(() => lz4Limit(odd)).toThrow('not an lz4 frame')
})

test('records of a megabyte that would unpack to more than 256 MiB are refused before they are', () => {
  const batch = encodeBatch({ records: [{ key: null, value: null, timestampMs: 0 }], compression: 'lz4' })
  const bomb = Buffer.concat([batch.subarray(0, 61), zeros(65)])
  bomb.writeInt32BE(bomb.length - 12, 8)
  const header = readBatchHeader(bomb, 0)
  expect(header && decodeBatch(bomb, 0, header)).toMatchObject({ ok: false, reason: expect.stringContaining('can unpack to 272629760') })
})
