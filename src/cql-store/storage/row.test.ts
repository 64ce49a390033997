import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GrowingBuffer } from './growing-buffer.ts'
import { decodeDeletions, deletionOver, encodeDeletions, mergeDeletions, type PartitionDeletions } from './partition-deletions.ts'
import { decodeRow, encodeRow } from './row-codec.ts'
import { compareCellPlaces, mergeRows, newerCell, pruneRow, type Cell, type Deletion, type Row } from './row.ts'

const none = new Uint8Array(0)
const time = fc.bigInt(1n, 6n)
const bytes = fc.uint8Array({ maxLength: 2 })

const cell: fc.Arbitrary<Cell> = fc
  .record({
    kind: fc.constantFrom('value', 'value', 'tombstone', 'collection-deletion'),
    column: fc.nat(3),
    path: fc.option(bytes),
    timestamp: time,
    at: fc.nat(2),
    value: bytes,
  })
  .map(({ kind, column, path, timestamp, at, value }): Cell => {
    // Columns 2 and 3 are collections.
    const isCollection = column >= 2
    const fits = kind === 'collection-deletion' && !isCollection ? 'tombstone' : kind
    return {
      kind: fits,
      column,
      path: isCollection && fits !== 'collection-deletion' ? (path ?? none) : null,
      timestamp,
      ttl: fits === 'value' && at > 0 ? at : 0,
      at,
      value: fits === 'value' ? value : none,
    }
  })

const deletion: fc.Arbitrary<Deletion | null> = fc.option(fc.record({ timestamp: time, deletedAt: fc.nat(2) }))

const row: fc.Arbitrary<Row> = fc
  .record({
    liveness: fc.option(fc.record({ timestamp: time, at: fc.nat(2) }).map(({ timestamp, at }) => ({ timestamp, ttl: at, expiresAt: at }))),
    deletion,
    cells: fc.array(cell, { maxLength: 6 }),
  })
  .map(({ liveness, deletion, cells }) => {
    const sorted = cells.toSorted(compareCellPlaces).filter((each, i, all) => i === 0 || compareCellPlaces(all[i - 1] ?? each, each) !== 0)
    return pruneRow({ clustering: [Uint8Array.of(7)], liveness, deletion, cells: sorted }, deletion)
  })

function plain({ liveness, deletion, cells }: Row): unknown {
  return { liveness, deletion, cells: cells.map((each) => ({ ...each, path: each.path && [...each.path], value: [...each.value] })) }
}

function stored(from: Row): Buffer {
  const out = new GrowingBuffer(8)
  encodeRow(out, from)
  return out.written()
}

describe('reconciling rows', () => {
  it('gives the same whatever the order in which versions arrive, and however often', () => {
    fc.assert(
      fc.property(row, row, row, (a, b, c) => {
        expect(plain(mergeRows(a, b))).toEqual(plain(mergeRows(b, a)))
        expect(plain(mergeRows(mergeRows(a, b), c))).toEqual(plain(mergeRows(a, mergeRows(b, c))))
        const merged = mergeRows(a, b)
        expect(plain(mergeRows(merged, a))).toEqual(plain(merged))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps per cell the last write, a tombstone on equal timestamps, then the larger value', () => {
    const value = (timestamp: bigint, text: string): Cell => ({
      kind: 'value',
      column: 0,
      path: null,
      timestamp,
      ttl: 0,
      at: 0,
      value: Buffer.from(text),
    })
    const dead = (timestamp: bigint): Cell => ({ kind: 'tombstone', column: 0, path: null, timestamp, ttl: 0, at: 9, value: none })
    expect(newerCell(value(2n, 'a'), value(1n, 'z'))).toEqual(value(2n, 'a'))
    expect(newerCell(value(1n, 'a'), value(1n, 'z'))).toEqual(value(1n, 'z'))
    expect(newerCell(value(1n, 'z'), dead(1n))).toEqual(dead(1n))
    expect(newerCell(value(2n, 'z'), dead(1n))).toEqual(value(2n, 'z'))
  })

  it('drops what the row deletion shadows, and keeps what is newer', () => {
    const old: Cell = { kind: 'value', column: 0, path: null, timestamp: 5n, ttl: 0, at: 0, value: Buffer.from('x') }
    const version: Row = {
      clustering: [],
      liveness: { timestamp: 5n, ttl: 0, expiresAt: 0 },
      deletion: null,
      cells: [old, { ...old, column: 1, timestamp: 7n }],
    }
    const merged = mergeRows(version, { clustering: [], liveness: null, deletion: { timestamp: 5n, deletedAt: 1 }, cells: [] })
    expect(merged.liveness).toBeNull()
    expect(merged.cells.map((each) => each.column)).toEqual([1])
  })

  it('comes back from its stored form as it was', () => {
    fc.assert(
      fc.property(row, (version) => {
        expect(plain(decodeRow(stored(version)))).toEqual(plain(version))
      }),
    )
  })

  it('never reads past the end of damaged bytes', () => {
    fc.assert(
      fc.property(row, fc.nat(), fc.nat(255), (version, at, byte) => {
        const damaged = stored(version)
        damaged[at % damaged.length] = byte
        try {
          decodeRow(damaged)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
  })
})

describe('deletions of ranges', () => {
  const bound = fc.integer({ min: 0x40, max: 0x48 })
  const deletions: fc.Arbitrary<PartitionDeletions> = fc.record({
    partition: deletion,
    ranges: fc.array(
      fc.tuple(bound, bound, time, fc.nat(2)).map(([a, b, timestamp, deletedAt]) => ({
        start: Uint8Array.of(Math.min(a, b)),
        end: Uint8Array.of(Math.max(a, b) + 1),
        timestamp,
        deletedAt,
      })),
      { maxLength: 4 },
    ),
  })

  it('delete, merged in any order, what the newest of them deletes', () => {
    fc.assert(
      fc.property(deletions, deletions, bound, (a, b, place) => {
        const key = Uint8Array.of(place)
        const expected = [a, b].flatMap(({ partition, ranges }) => [
          ...(partition ? [partition] : []),
          ...ranges.filter(({ start, end }) => (start[0] ?? 0) <= place && place < (end[0] ?? 0)),
        ])
        const newest = expected.map(({ timestamp }) => timestamp).toSorted((x, y) => (x < y ? 1 : -1))[0]
        expect(deletionOver(mergeDeletions(a, b), key)?.timestamp).toEqual(newest)
        expect(deletionOver(mergeDeletions(b, a), key)?.timestamp).toEqual(newest)
      }),
    )
  })

  it('come back from their stored form', () => {
    fc.assert(
      fc.property(deletions, (each) => {
        const out = new GrowingBuffer(8)
        encodeDeletions(out, each)
        const back = decodeDeletions(out.written())
        expect(back.partition).toEqual(each.partition)
        expect(back.ranges.map((range) => ({ ...range, start: [...range.start], end: [...range.end] }))).toEqual(
          each.ranges.map((range) => ({ ...range, start: [...range.start], end: [...range.end] })),
        )
      }),
    )
  })
})
