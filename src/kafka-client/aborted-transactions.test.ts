import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBatch, patchBatch } from '../kafka-wire/index.ts'
import type { AbortedTransaction } from './aborted-transactions.ts'
import type { Batch } from './batch.ts'
import { decodeFetched } from './decode-records.ts'

type Entry =
  | { is: 'records'; producer: number; values: readonly string[] }
  | { is: 'marker'; producer: number; outcome: 'commit' | 'abort' }
  /** Without a transaction. */
  | { is: 'plain'; values: readonly string[] }

interface Log {
  bytes: Uint8Array
  /** By offset; null where a marker stands. */
  committed: (string | null)[]
  aborted: (AbortedTransaction & { lastOffset: bigint })[]
  end: bigint
}

/** A partition as a broker writes it, and what of it is committed; what is still open at the end is cut off, as past the last stable offset. */
function write(entries: readonly Entry[]): Log {
  const parts: Uint8Array[] = []
  const committed: (string | null)[] = []
  const aborted: Log['aborted'] = []
  const firstOf = new Map<number, number>()
  let stable = 0
  for (const entry of entries) {
    const at = committed.length
    const isMarker = entry.is === 'marker'
    const values = isMarker ? [''] : entry.values
    if (entry.is === 'records' && !firstOf.has(entry.producer)) firstOf.set(entry.producer, at)
    if (isMarker) {
      const first = firstOf.get(entry.producer)
      firstOf.delete(entry.producer)
      if (first !== undefined && entry.outcome === 'abort')
        aborted.push({ producerId: BigInt(entry.producer), firstOffset: BigInt(first), lastOffset: BigInt(at) })
    }
    const key = Buffer.from([0, 0, 0, isMarker && entry.outcome === 'commit' ? 1 : 0])
    const bytes = encodeBatch({
      records: values.map((value) => ({ key: isMarker ? key : null, value: Buffer.from(value), timestampMs: 1 })),
      compression: isMarker || at % 2 === 0 ? 'none' : 'gzip',
      isTransactional: entry.is !== 'plain',
      isControl: isMarker,
      producerId: entry.is === 'plain' ? -1n : BigInt(entry.producer),
    })
    patchBatch(bytes, 0, { baseOffset: BigInt(at), partitionLeaderEpoch: 0 })
    parts.push(bytes)
    for (const value of values) committed.push(isMarker ? null : value)
    if (firstOf.size === 0) stable = parts.length
  }
  const kept = parts.slice(0, stable)
  const end = entries.slice(0, stable).reduce((sum, entry) => sum + (entry.is === 'marker' ? 1 : entry.values.length), 0)
  const model = committed.slice(0, end)
  hideAborted(entries.slice(0, stable), model, aborted)
  return { bytes: Buffer.concat(kept), committed: model, aborted: aborted.filter(({ lastOffset }) => lastOffset < end), end: BigInt(end) }
}

function hideAborted(entries: readonly Entry[], model: (string | null)[], aborted: Log['aborted']): void {
  let at = 0
  for (const entry of entries) {
    const count = entry.is === 'marker' ? 1 : entry.values.length
    const isAborted =
      entry.is === 'records' &&
      aborted.some(
        ({ producerId, firstOffset, lastOffset }) => producerId === BigInt(entry.producer) && firstOffset <= at && at < lastOffset,
      )
    if (isAborted) model.fill(null, at, at + count)
    at += count
  }
}

/** As a broker answers a fetch of the whole log from `position`: the aborted transactions that overlap it, in no order. */
function read(log: Log, position = 0n): { values: string[]; nextOffset: bigint } {
  const aborted = log.aborted.filter(({ lastOffset }) => lastOffset >= position).toReversed()
  const decoded = decodeFetched({ topic: 't', partition: 0, records: log.bytes, aborted, position, highWatermark: log.end })
  if (!decoded.ok) throw new Error(decoded.reason)
  return { values: decoded.batches.flatMap(valuesOf), nextOffset: decoded.nextOffset }
}

function valuesOf({ bytes, valueAt, count }: Batch): string[] {
  return Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(valueAt[2 * i], valueAt[2 * i + 1])).toString())
}

const records = (producer: number, ...values: string[]): Entry => ({ is: 'records', producer, values })
const marker = (producer: number, outcome: 'commit' | 'abort'): Entry => ({ is: 'marker', producer, outcome })

describe('read_committed', () => {
  it('hides both of two transactions that one producer aborted in one fetch', () => {
    const log = write([records(1, 'a'), marker(1, 'abort'), records(1, 'b'), marker(1, 'abort'), records(1, 'c'), marker(1, 'commit')])
    expect(read(log)).toEqual({ values: ['c'], nextOffset: 6n })
  })

  it('shows what was committed between an abort and an abort of nothing', () => {
    const log = write([records(1, 'a'), marker(1, 'abort'), records(1, 'b'), marker(1, 'commit'), marker(1, 'abort')])
    expect(read(log)).toEqual({ values: ['b'], nextOffset: 5n })
  })

  it('tells producers apart, and passes over what has no transaction', () => {
    const log = write([
      records(1, 'a'),
      records(2, 'b'),
      { is: 'plain', values: ['c'] },
      marker(1, 'abort'),
      records(2, 'd'),
      marker(2, 'commit'),
    ])
    expect(read(log).values).toEqual(['b', 'c', 'd'])
  })

  it('goes on behind records that were all aborted', () => {
    expect(read(write([records(1, 'a', 'b'), marker(1, 'abort')]))).toEqual({ values: [], nextOffset: 3n })
  })

  it('gives out exactly what was committed, from any position of any log', () => {
    const producer = fc.integer({ min: 1, max: 3 })
    const values = fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 1, maxLength: 3 })
    const entry: fc.Arbitrary<Entry> = fc.oneof(
      fc.record({ is: fc.constant('records' as const), producer, values }),
      fc.record({ is: fc.constant('marker' as const), producer, outcome: fc.constantFrom('commit' as const, 'abort' as const) }),
      fc.record({ is: fc.constant('plain' as const), values }),
    )
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 25 }), fc.nat(40), (entries, from) => {
        const log = write(entries)
        const position = BigInt(Math.min(from, Number(log.end)))
        const expected = log.committed.slice(Number(position)).filter((value) => value !== null)
        expect(read(log, position)).toEqual({ values: expected, nextOffset: log.end })
      }),
    )
  })
})
