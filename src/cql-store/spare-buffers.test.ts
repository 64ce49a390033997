import { expect, it } from 'vitest'
import { SpareBuffers } from './spare-buffers.ts'

it('gives out again what came back, where it fits', () => {
  const buffers = new SpareBuffers()
  const buffer = buffers.take(100_000)
  const other = buffers.take(100_000)
  expect(other).not.toBe(buffer)
  buffers.giveBack(buffer)
  expect(buffers.take(200_000)).not.toBe(buffer)
  expect(buffers.take(1_000)).not.toBe(buffer)
  expect(buffers.take(50_000)).toBe(buffer)
  expect(buffers.take(50_000)).not.toBe(buffer)
})

it('keeps a few megabytes at most', () => {
  const buffers = new SpareBuffers()
  const taken = Array.from({ length: 5 }, () => buffers.take(4 * 1024 * 1024))
  for (const buffer of taken) buffers.giveBack(buffer)
  const again = Array.from({ length: 5 }, () => buffers.take(4 * 1024 * 1024))
  expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(2)
})
