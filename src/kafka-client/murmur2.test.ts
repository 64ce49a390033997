import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from './murmur2.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('hashes %s as the Java client does', (text, hash) => {
    expect(murmur2(ascii(text))).toBe(hash)
  })

  it('hashes abc as the Java client does', () => {
    expect(murmur2(ascii('abc'))).toBe(479470107)
  })

  it('gives every key one partition within the count', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 1000 }), (key, count) => {
        const partition = partitionForKey(key, count)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(count)
        expect(partitionForKey(Uint8Array.from(key), count)).toBe(partition)
      }),
    )
  })
})
