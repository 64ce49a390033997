import { expect, test } from 'vitest'
import type { FlowStep, LoadedFlow } from '../../core/index.ts'
import { jsonCodec } from '../../formats/index.ts'
import { isObject } from '../options-reader.ts'
import type { PolledPage } from '../polled-source.ts'
import { preparePage } from './prepare-page.ts'

const flow = (steps: FlowStep[] = []): LoadedFlow => ({
  source: { connector: 'webhook', name: 'sent', options: {} },
  sourceFunctions: {},
  steps,
  topic: { name: 'orders', schema: 'Order', key: ['id'], partitions: 1, format: 'json', configs: {} },
  parse: (value) =>
    isObject(value) && typeof value['id'] === 'string'
      ? { ok: true, value }
      : { ok: false, problems: [{ path: 'id', message: 'expected a string' }] },
})

const page = (more: Partial<PolledPage> = {}): PolledPage => ({
  records: [{ id: 'a' }, { id: 'b' }, { id: 3 }, { id: 'd' }, { id: 'out' }],
  cursor: null,
  label: '0',
  ...more,
})
const prepare = (of: PolledPage, steps: FlowStep[] = []) =>
  preparePage(flow(steps), of, { runId: 'r', attempt: 1 }, jsonCodec, new AbortController().signal)

test('a source that can refuse a record leaves out all that go with it, and the others are produced', async () => {
  const told: [number, string][] = []
  const refuse = (index: number, error: { code: string }) => {
    told.push([index, error.code])
    return [1, 2]
  }
  const notOut: FlowStep = { is: 'filter', fn: (record) => !isObject(record) || record['id'] !== 'out' }
  const prepared = await prepare(page({ refuse }), [notOut])
  expect(prepared.records.map(({ key }) => key)).toEqual(['a', 'd'])
  expect([prepared.filtered, prepared.refused]).toEqual([1, 2])
  expect(told).toEqual([[2, 'RECORD_INVALID']])
})

test('one that cannot fails with it', async () => {
  await expect(prepare(page())).rejects.toMatchObject({ code: 'RECORD_INVALID', details: { record: 2, field: 'id' } })
})
