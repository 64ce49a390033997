import { describe, expect, it } from 'vitest'
import { Partitioner } from './partitioner.ts'

describe('the partitioner', () => {
  it('keeps records without a key together until the batch is full, then goes elsewhere', () => {
    const partitioner = new Partitioner(() => 0.5)
    const first = partitioner.partition('t', null, 4)
    expect(partitioner.partition('t', null, 4)).toBe(first)
    partitioner.batchClosed('t', first, 4)
    expect(partitioner.partition('t', null, 4)).not.toBe(first)
  })

  it('is not moved by full batches of keyed records elsewhere', () => {
    const partitioner = new Partitioner(() => 0)
    const first = partitioner.partition('t', null, 4)
    partitioner.batchClosed('t', first + 1, 4)
    expect(partitioner.partition('t', null, 4)).toBe(first)
  })

  it('finds the same partition for a key as the Java client', () => {
    // murmur2("foobar") is -790332482.
    expect(new Partitioner().partition('t', Buffer.from('foobar'), 6)).toBe((-790332482 & 0x7fffffff) % 6)
  })
})
