import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteWriter } from '../../cql-wire/index.ts'
import type { Column } from '../schema/index.ts'
import { GrowingBuffer } from '../storage/growing-buffer.ts'
import { decodeRow, isCellLive, isSurelyLive, type Cell, type Row } from '../storage/index.ts'
import { encodeRow } from '../storage/row-codec.ts'
import { plainColumns } from './plain-rows.ts'

const columnIds = [1, 2, 5, 7]
const selected: Column[] = [
  ...columnIds.map((id): Column => ({ id, name: `c${id}`, type: { is: 'text' }, kind: 'regular', position: -1, descending: false })),
  { id: 8, name: 'k', type: { is: 'text' }, kind: 'clustering', position: 0, descending: false },
  { id: 9, name: 'p', type: { is: 'text' }, kind: 'partition_key', position: 0, descending: false },
]
const partition = [Buffer.from('partition')]
const nowSeconds = 1_000

const bytes = fc.uint8Array({ maxLength: 100 })
const cell = fc.record({
  column: fc.constantFrom(...columnIds, 12),
  timestamp: fc.constantFrom(7n, 8n),
  isDead: fc.boolean(),
  at: fc.constantFrom(0, 0, 0, nowSeconds - 1, nowSeconds + 1),
  value: bytes,
})

function rowOf(
  found: { column: number; timestamp: bigint; isDead: boolean; at: number; value: Uint8Array }[],
  clustering: Uint8Array[],
): Row {
  const cells = found.map(({ column, timestamp, isDead, at, value }): Cell => {
    if (isDead) return { kind: 'tombstone', column, path: null, timestamp, ttl: 0, at: 900, value: new Uint8Array(0) }
    return { kind: 'value', column, path: null, timestamp, ttl: at === 0 ? 0 : 60, at, value }
  })
  return { clustering, liveness: { timestamp: 7n, ttl: 0, expiresAt: 0 }, deletion: null, cells }
}

function written(run: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter(16)
  run(out)
  return Buffer.from(out.bytes.subarray(0, out.at))
}

it('writes a stored row as its decoded values would be written, or leaves it to them', () => {
  const plain = plainColumns(selected)
  const cells = fc.uniqueArray(cell, { selector: ({ column }) => column, maxLength: 5 })
  fc.assert(
    fc.property(cells, fc.array(bytes, { minLength: 1, maxLength: 1 }), (found, clustering) => {
      const out = new GrowingBuffer(64)
      encodeRow(
        out,
        rowOf(
          found.toSorted((a, b) => a.column - b.column),
          clustering,
        ),
      )
      const record = Buffer.from(out.written())
      const row = decodeRow(record)
      expect(isSurelyLive(record)).toBe(true)
      let isWritten = false
      const direct = written((to) => void (isWritten = plain?.write(to, record, { partition, row }) ?? false))
      expect(isWritten).toBe(!row.cells.some(({ kind, at }) => kind === 'value' && at !== 0))
      const valueOf = (id: number): Uint8Array | null => {
        const stored = row.cells.find(({ column }) => column === id)
        return stored && isCellLive(stored, nowSeconds) ? stored.value : null
      }
      const decoded = written((to) => {
        for (const id of columnIds) to.longBytes(valueOf(id))
        to.longBytes(row.clustering[0] ?? null)
        to.longBytes(partition[0] ?? null)
      })
      expect(direct).toEqual(isWritten ? decoded : Buffer.alloc(0))
    }),
  )
})

it('leaves what has to be put together to others', () => {
  const [first] = selected
  if (!first) throw new Error('no columns')
  expect(plainColumns([null])).toBeNull()
  expect(plainColumns([{ ...first, kind: 'static' }])).toBeNull()
  expect(plainColumns([{ ...first, type: { is: 'list', of: { is: 'text' }, frozen: false } }])).toBeNull()
  expect(plainColumns([{ ...first, type: { is: 'list', of: { is: 'text' }, frozen: true } }])).not.toBeNull()
})
