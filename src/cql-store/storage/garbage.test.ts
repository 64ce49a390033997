import { describe, expect, it } from 'vitest'
import { withoutOldDeletions } from './garbage.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import { decodeDeletions, encodeDeletions, mergeDeletions, type PartitionDeletions, type RangeDeletion } from './partition-deletions.ts'

const rangeOver = (start: number, end: number, timestamp: bigint): RangeDeletion => ({
  start: Uint8Array.of(start),
  end: Uint8Array.of(end),
  timestamp,
  deletedAt: 100,
})

function encoded(deletions: PartitionDeletions): Buffer {
  const out = new GrowingBuffer(64)
  encodeDeletions(out, deletions)
  return out.written()
}

describe('deletions that are over', () => {
  const swept: PartitionDeletions = { partition: { timestamp: 4n, deletedAt: 100 }, ranges: [rangeOver(1, 2, 5n)] }

  it('go when their rows were swept', () => {
    expect(withoutOldDeletions(encoded(swept), swept, 101)).toBeNull()
    const record = encoded(swept)
    expect(withoutOldDeletions(record, swept, 100)).toBe(record)
  })

  it.each([
    ['with the times of another range', rangeOver(7, 9, 5n)],
    ['with other bounds, over the same rows and more', rangeOver(1, 3, 5n)],
  ])('stay when they came after their rows were swept, even %s', (_, late) => {
    const record = encoded(mergeDeletions(swept, { partition: null, ranges: [late] }))
    const kept = withoutOldDeletions(record, swept, 101)
    expect(kept && decodeDeletions(kept)).toMatchObject({ partition: null, ranges: [{ timestamp: 5n, deletedAt: 100 }] })
    expect(kept && decodeDeletions(kept).ranges.map(({ start, end }) => [start[0], end[0]])).toEqual([[late.start[0], late.end[0]]])
  })
})
