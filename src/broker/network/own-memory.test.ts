import { describe, expect, it } from 'vitest'
import { ownMemory, release } from './own-memory.ts'

describe('memory that is given back by hand', () => {
  it('is gone with all its views, be they smaller than it or not', () => {
    const bytes = ownMemory(10_000)
    const view = bytes.subarray(0, 9_000)
    release(view)
    expect([bytes.length, view.length]).toEqual([0, 0])
  })

  it('may be given back twice', () => {
    const bytes = ownMemory(10)
    release(bytes)
    release(bytes)
    expect(bytes.length).toBe(0)
  })

  it('stays where something else lies beside it: a small buffer of the shared pool, a part of a larger one', () => {
    const pooled = Buffer.from('pooled')
    const whole = Buffer.alloc(100, 7)
    release(pooled)
    release(whole.subarray(0, 50))
    release(whole.subarray(50))
    expect([pooled.toString(), whole.length]).toEqual(['pooled', 100])
  })

  it('is a chunk of a socket, which has its memory to itself', () => {
    const chunk = Buffer.allocUnsafeSlow(65_536)
    const frame = chunk.subarray(4, 100)
    release(frame)
    expect(chunk.length).toBe(65_536)
    release(chunk)
    expect([chunk.length, frame.length]).toEqual([0, 0])
  })
})
