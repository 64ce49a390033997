import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameAssembler } from './frame-assembler.ts'

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.byteLength)
  return Buffer.concat([size, body])
}

describe('the frame assembler', () => {
  it('finds the same frames however the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 4, maxLength: 50 }), { maxLength: 8 })
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(framed))
        const found: number[][] = []
        const assembler = new FrameAssembler((frame) => found.push([...frame]))
        for (let at = 0, i = 0; at < stream.byteLength; i++) {
          const length = cuts[i % cuts.length] ?? 1
          const chunk = Buffer.from(stream.subarray(at, at + length))
          assembler.push(chunk)
          chunk.fill(0xff)
          at += length
        }
        expect(found).toEqual(frames.map((frame) => [...frame]))
      }),
    )
  })

  it.each([-1, 0, 3, 0x48545450])('refuses a frame of %i bytes, which no broker sends', (sizeBytes) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(sizeBytes)
    expect(() => new FrameAssembler(() => undefined).push(size)).toThrow(expect.objectContaining({ code: 'PROTOCOL' }))
  })
})
