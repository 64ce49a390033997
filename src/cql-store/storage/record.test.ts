import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GrowingBuffer } from './growing-buffer.ts'
import { partitionPrefix, places, withPlace } from './keys.ts'
import { mergeRecords } from './record.ts'
import { decodeRow, encodeRow } from './row-codec.ts'
import { RowWriter } from './row-writer.ts'
import { mergeRows, type Cell, type Row } from './row.ts'

const key = withPlace(partitionPrefix(1, 5n, Buffer.from('key')), places.onlyRow)
const time = fc.bigInt({ min: 1n, max: 3n })
const bytes = fc.uint8Array({ maxLength: 4 }).map((each) => Buffer.from(each))

/** Rows that are mostly whole ones of one time, as INSERT writes them, and now and then anything else. */
const row = fc
  .record({
    at: time,
    isMarked: fc.boolean(),
    isMixed: fc.integer({ min: 0, max: 3 }),
    ttl: fc.constantFrom(0, 0, 9),
    deletion: fc.option(fc.record({ timestamp: time, deletedAt: fc.constant(7) }), { freq: 4 }),
    cells: fc.uniqueArray(
      fc.record({ column: fc.nat(5), own: time, value: bytes, isDead: fc.boolean(), path: fc.option(bytes, { freq: 5 }) }),
      {
        selector: ({ column }) => column,
      },
    ),
    clustering: fc.constantFrom<Buffer[]>([], [Buffer.from('a')]),
  })
  .map(({ at, isMarked, isMixed, ttl, deletion, cells, clustering }): Row => ({
    clustering,
    liveness: isMarked ? { timestamp: at, ttl, expiresAt: ttl === 0 ? 0 : 100 } : null,
    deletion,
    cells: cells
      .toSorted((a, b) => a.column - b.column)
      .map(({ column, own, value, isDead, path }): Cell => ({
        kind: isDead ? 'tombstone' : 'value',
        column,
        path: isMixed === 0 ? path : null,
        timestamp: isMixed === 1 ? own : at,
        ttl: isDead ? 0 : ttl,
        at: isDead ? 7 : ttl === 0 ? 0 : 100,
        value: isDead ? Buffer.alloc(0) : value,
      })),
  }))

function encoded(each: Row): Buffer {
  const out = new GrowingBuffer(64)
  encodeRow(out, each)
  return Buffer.from(out.written())
}

describe('two versions of a row', () => {
  it('are one and the same however they are merged: the short way for whole rows changes nothing', () => {
    fc.assert(
      fc.property(row, row, (a, b) => {
        const same = { ...b, clustering: a.clustering }
        const [first, second] = [encoded(a), encoded(same)]
        const expected = encoded(mergeRows(decodeRow(first), decodeRow(second)))
        expect(mergeRecords(key, first, second)).toEqual(expected)
        expect(decodeRow(mergeRecords(key, second, first))).toEqual(decodeRow(expected))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a row of more cells than two bytes count', () => {
  const elementsFrom = (first: number, count: number): Cell[] =>
    Array.from({ length: count }, (_, i) => {
      const path = Buffer.alloc(4)
      path.writeUInt32BE(first + i)
      return { kind: 'value', column: 3, path, timestamp: 1n, ttl: 0, at: 0, value: Buffer.alloc(0) }
    })
  const rowOf = (cells: Cell[], timestamp: bigint): Row => {
    return { clustering: [Buffer.from('c')], liveness: { timestamp, ttl: 0, expiresAt: 0 }, deletion: null, cells }
  }

  it('is what several writes of fewer become, and comes back whole', () => {
    const [few, more] = [encoded(rowOf(elementsFrom(0, 40_000), 1n)), encoded(rowOf(elementsFrom(40_000, 40_000), 2n))]
    const merged = mergeRecords(key, few, more)
    expect(merged.equals(encoded(rowOf(elementsFrom(0, 80_000), 2n)))).toBe(true)
    expect(mergeRecords(key, merged, few).equals(merged)).toBe(true)
    const again = encoded(rowOf(elementsFrom(0, 1), 3n))
    expect(decodeRow(mergeRecords(key, merged, again)).cells).toHaveLength(80_000)
  })

  it.each([65_535, 65_536, 70_000])('of %d is written cell by cell as it is written at once', (count) => {
    const { clustering, liveness, deletion, cells } = rowOf(elementsFrom(0, count), 1n)
    const out = new GrowingBuffer(64)
    out.raw(Buffer.from('before'))
    const writer = new RowWriter(out)
    const start = out.length
    writer.begin(liveness, deletion, clustering)
    for (const each of cells) writer.cell(each)
    writer.end()
    expect(out.written().subarray(start).equals(encoded({ clustering, liveness, deletion, cells }))).toBe(true)
  })
})
