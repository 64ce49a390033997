import { expect, test } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { TableCounts } from './table-counts.ts'

/** A store that takes its time to count, and what it was asked. */
class SlowStore {
  rows: number | MillraceError = 0
  tookMs = 500
  nowMs = 0
  asked = 0
  readonly counts = new TableCounts(
    async () => {
      this.asked += 1
      const { rows } = this
      await Promise.resolve()
      this.nowMs += this.tookMs
      if (typeof rows !== 'number') throw rows
      return rows
    },
    () => this.nowMs,
  )
}

test('a small table is counted whenever somebody asks, however slow the store was a moment ago', async () => {
  const store = new SlowStore()
  store.rows = 94
  expect(await store.counts.of('k.t')).toEqual({ count: 94, error: null })
  store.rows = 120
  expect(await store.counts.of('k.t')).toEqual({ count: 120, error: null })
})

test('a large table is counted a twentieth of the time', async () => {
  const store = new SlowStore()
  store.rows = 1_000_000
  await store.counts.of('k.t')
  store.rows = 2_000_000
  store.nowMs += 20 * 500 - 1
  expect(await store.counts.of('k.t')).toMatchObject({ count: 1_000_000 })
  store.nowMs += 1
  expect(await store.counts.of('k.t')).toMatchObject({ count: 2_000_000 })
  expect(store.asked).toBe(2)
})

test('no count grows older than a minute', async () => {
  const store = new SlowStore()
  store.rows = 100_000_000
  store.tookMs = 100_000
  await store.counts.of('k.t')
  store.nowMs += 60_000
  store.rows = 100_000_001
  expect(await store.counts.of('k.t')).toMatchObject({ count: 100_000_001 })
})

test('those who ask at once are answered by one count', async () => {
  const store = new SlowStore()
  store.rows = 3
  expect(await Promise.all([store.counts.of('k.t'), store.counts.of('k.t')])).toEqual([
    { count: 3, error: null },
    { count: 3, error: null },
  ])
  expect(store.asked).toBe(1)
})

test('a store that fails is asked again at once', async () => {
  const store = new SlowStore()
  store.rows = new MillraceError('UNREACHABLE', 'nobody listens')
  expect(await store.counts.of('k.t')).toMatchObject({ count: null, error: { code: 'UNREACHABLE' } })
  store.rows = 5
  expect(await store.counts.of('k.t')).toEqual({ count: 5, error: null })
})
