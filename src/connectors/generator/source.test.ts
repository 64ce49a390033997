import { expect, test } from 'vitest'
import type { Json } from '../../core/index.ts'
import { takePages } from '../conformance/take-pages.ts'
import { jumpingClock } from '../http/scripted-server.ts'
import { readOptions } from '../option-table.ts'
import { generatorOptions, generatorSpec, type GeneratorOptions } from './options.ts'
import { openGenerator } from './source.ts'

const make: GeneratorOptions['make'] = (n, random) => ({ n, id: random.uuid(), amount: random.between(1, 100) })

async function read(options: Partial<GeneratorOptions>, cursor: Json = null, clock = jumpingClock()) {
  const source = openGenerator('orders', readOptions(generatorOptions, 'orders', { make, ...options }), clock)
  return { source, pages: await takePages(source, cursor), sleeps: clock.sleeps }
}

test('a record depends on seed and number alone, however the pages are cut', async () => {
  const whole = (await read({ records: 6, pages: 1 })).pages
  const cut = (await read({ records: 2, pages: 3 })).pages
  expect(cut.flatMap(({ records }) => records)).toEqual(whole[0]?.records)
  const goesOn = (await read({ records: 4, pages: 1 }, cut[0]?.cursor ?? null)).pages
  expect(goesOn[0]?.records).toEqual(whole[0]?.records.slice(2))
  expect((await read({ records: 6, pages: 1, seed: 'another' })).pages[0]?.records).not.toEqual(whole[0]?.records)
  expect(new Set(whole[0]?.records.map((record) => record['id'])).size).toBe(6)
})

test('a page comes each `every` for as long as `for` says', async () => {
  const { source, pages, sleeps } = await read({ every: '10s', for: '1m', records: 3 })
  expect(pages.map(({ label }) => label)).toEqual(['0', '3', '6', '9', '12', '15'])
  expect(source.expectedRecords).toBe(18)
  expect(sleeps).toEqual([10_000, 10_000, 10_000, 10_000, 10_000])
})

test('what make throws, or gives in place of a record, is told with the number', async () => {
  const thrower = (n: number) => {
    if (n === 2) throw new Error('no such day')
    return { n }
  }
  await expect(read({ make: thrower, pages: 5 })).rejects.toThrow('Source orders, record 2: make threw: no such day.')
  const lazy = (): Record<string, unknown> => Object(Promise.resolve({}))
  await expect(read({ make: lazy })).rejects.toThrow('record 0: make gave no object')
})

test('a cursor of another source is refused', async () => {
  await expect(read({}, { page: 3 })).rejects.toMatchObject({ code: 'SOURCE_FAILED', retriable: false })
})

test.each<[object, string]>([
  [{}, 'source "orders": make must be a function: (n, random) => record.'],
  [{ make, every: 'soon' }, 'every: "soon" is not a duration'],
  [{ make, records: 0 }, 'records must be a whole number from 1 to 10000.'],
  [{ make, results: 3 }, 'results is no option; there are every, for, make, pages, records, seed.'],
])('options that cannot be are named: %j', (options, problem) => {
  expect(() => readOptions(generatorOptions, 'orders', options)).toThrow(problem)
})

test('the function is no part of the source as data', () => {
  expect(generatorSpec({ name: 'orders', make, every: '1s' })).toEqual({
    connector: 'generator',
    name: 'orders',
    options: { every: '1s' },
  })
})
