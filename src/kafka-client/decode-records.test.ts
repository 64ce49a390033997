import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Compression, encodeBatch, patchBatch } from '../kafka-wire/index.ts'
import type { Batch } from './batch.ts'
import { decodeFetched } from './decode-records.ts'

const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

function wireBatch(
  baseOffset: bigint,
  values: readonly (string | null)[],
  options: { compression?: Compression; isControl?: boolean; epoch?: number } = {},
): Uint8Array {
  const bytes = encodeBatch({
    records: values.map((value) => ({
      key: null,
      value: value === null ? null : Buffer.from(value),
      timestampMs: 5,
      headers: [{ key: 'v', value: Buffer.from(String(value)) }],
    })),
    compression: options.compression ?? 'none',
    ...(options.isControl ? { isControl: true } : {}),
  })
  patchBatch(bytes, 0, { baseOffset, partitionLeaderEpoch: options.epoch ?? 0 })
  return bytes
}

function valuesOf(batches: readonly Batch[]): (string | null)[] {
  return batches.flatMap(({ bytes, valueAt, count }) =>
    Array.from({ length: count }, (_, i) => {
      const start = valueAt[2 * i] ?? -1
      return start < 0 ? null : Buffer.from(bytes.subarray(start, valueAt[2 * i + 1])).toString()
    }),
  )
}

function decode(parts: readonly Uint8Array[], position = 0n): { batches: Batch[]; nextOffset: bigint } {
  const decoded = decodeFetched({ topic: 't', partition: 3, records: Buffer.concat(parts), position, highWatermark: 99n })
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded
}

describe('fetched records', () => {
  it('come out as they were written, in every codec, whole batch by whole batch, from any position', () => {
    const wire = fc.array(
      fc.record({ values: fc.array(fc.option(fc.string()), { minLength: 1, maxLength: 20 }), compression: fc.constantFrom(...codecs) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    fc.assert(
      fc.property(wire, fc.nat(60), (batches, from) => {
        let next = 0n
        const parts = batches.map(({ values, compression }) => {
          const bytes = wireBatch(next, values, { compression })
          next += BigInt(values.length)
          return bytes
        })
        const all = batches.flatMap(({ values }) => values)
        const decoded = decode(parts, BigInt(from))
        expect(valuesOf(decoded.batches)).toEqual(all.slice(from))
        expect(decoded.batches.flatMap(({ offsets }) => [...offsets])).toEqual(all.map((_, i) => BigInt(i)).slice(from))
        expect(
          decoded.batches.flatMap((batch) => Array.from({ length: batch.count }, (_, i) => String(batch.headers(i)[0]?.value))),
        ).toEqual(all.slice(from).map(String))
        expect(decoded.nextOffset).toBe(from < all.length ? next : BigInt(from))
      }),
    )
  })

  it('pass over control batches: the next fetch begins behind them', () => {
    const { batches, nextOffset } = decode([wireBatch(0n, ['a']), wireBatch(1n, ['control'], { isControl: true })])
    expect(valuesOf(batches)).toEqual(['a'])
    expect(nextOffset).toBe(2n)
    expect(batches.at(-1)?.nextOffset).toBe(2n)
  })

  it('give no batch when there are only control records, and still move on', () => {
    expect(decode([wireBatch(7n, ['control'], { isControl: true })], 7n)).toMatchObject({ batches: [], nextOffset: 8n })
  })

  it('leave out a last batch that was cut short', () => {
    const whole = wireBatch(0n, ['a'])
    const { batches, nextOffset } = decode([whole, wireBatch(1n, ['b']).subarray(0, 40)])
    expect(valuesOf(batches)).toEqual(['a'])
    expect(nextOffset).toBe(1n)
  })

  it('never share a batch between leader epochs', () => {
    const { batches } = decode([wireBatch(0n, ['a'], { epoch: 1 }), wireBatch(1n, ['b'], { epoch: 2 })])
    expect(batches.map(({ leaderEpoch, count }) => [leaderEpoch, count])).toEqual([
      [1, 1],
      [2, 1],
    ])
  })

  it('that came tiny batch by tiny batch are handed out together', () => {
    const parts = Array.from({ length: 100 }, (_, i) => wireBatch(BigInt(i), [String(i)], { compression: 'lz4' }))
    const { batches } = decode(parts)
    expect(batches).toHaveLength(1)
    expect(valuesOf(batches)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
  })

  it('are refused with one bit flipped in what the checksum covers', () => {
    const bytes = wireBatch(0n, ['hello', 'world'], { compression: 'gzip' })
    fc.assert(
      fc.property(fc.integer({ min: 21, max: bytes.byteLength - 1 }), fc.nat(7), (at, bit) => {
        const broken = Uint8Array.from(bytes)
        broken[at] = (broken[at] ?? 0) ^ (1 << bit)
        expect(decodeFetched({ topic: 't', partition: 0, records: broken, position: 0n, highWatermark: 2n }).ok).toBe(false)
      }),
    )
  })

  it('that are garbage never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (records) => {
        const decoded = decodeFetched({ topic: 't', partition: 0, records, position: 0n, highWatermark: 0n })
        expect(decoded.ok).toBe(records.byteLength === 0)
      }),
    )
  })
})
