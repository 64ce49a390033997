import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ByteWriter,
  compressFrame,
  decodeRequest,
  decompressBody,
  encodeRequest,
  frameCompressions,
  frameFlags,
  frameHeaderBytes,
  readFrameHeader,
  writeRequest,
  type Request,
} from './index.ts'

const maxBytes = 1024 * 1024

describe.each([...frameCompressions])('%s', (compression) => {
  const packed = (request: Request): Buffer => {
    const out = new ByteWriter()
    out.raw(Buffer.from('before'))
    const start = out.at
    writeRequest(out, 4, 7, request)
    compressFrame(out, start, compression)
    return Buffer.from(out.copy(start))
  }
  const unpack = (frame: Uint8Array, limit = maxBytes) => decompressBody(compression, frame.subarray(frameHeaderBytes), limit)

  test('makes a frame smaller that comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 20 }), fc.integer({ min: 600, max: 5_000 }), (word, times) => {
        const request: Request = { opcode: 'PREPARE', query: word.repeat(times) }
        const frame = packed(request)
        const header = readFrameHeader(frame, 0)
        expect(header).toMatchObject({ version: 4, flags: frameFlags.COMPRESSED, stream: 7, length: frame.length - frameHeaderBytes })
        expect(frame.length).toBeLessThan(encodeRequest(4, 7, request).length)
        const body = unpack(frame)
        expect(body.ok && decodeRequest(4, header?.opcode ?? 0, body.body)).toEqual({ ok: true, request })
      }),
      { numRuns: 50 },
    )
  })

  test('leaves a small frame as it is', () => {
    expect(packed({ opcode: 'OPTIONS' })[1]).toBe(0)
  })

  test('unpacks nothing that claims more than is allowed, or more than its size can hold', () => {
    const frame = packed({ opcode: 'PREPARE', query: 'x'.repeat(100_000) })
    expect(unpack(frame, 99_999)).toMatchObject({ ok: false, reason: expect.stringContaining('are allowed') })
    const bomb = compression === 'lz4' ? Buffer.from('7fffffff1f01', 'hex') : Buffer.from('ffffffff0701', 'hex')
    expect(decompressBody(compression, bomb, 2 ** 31)).toMatchObject({ ok: false })
  })

  test('random bytes, and blocks with a few bytes changed, never throw', () => {
    const frame = packed({ opcode: 'PREPARE', query: 'SELECT '.repeat(300) }).subarray(frameHeaderBytes)
    const mangled = fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
      const copy = Buffer.from(frame)
      for (const [at, value] of changes) copy[at] = value
      return copy
    })
    fc.assert(
      fc.property(fc.oneof(mangled, fc.uint8Array({ maxLength: 40 })), (bytes) => {
        expect(typeof decompressBody(compression, bytes, maxBytes).ok).toBe('boolean')
      }),
      { numRuns: 500 },
    )
  })
})
