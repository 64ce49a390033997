import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Meters } from './meters.ts'
import { prometheusText } from './prometheus.ts'

test('counters, gauges and histograms are what Prometheus reads', () => {
  const meters = new Meters()
  const counter = meters.counter('millrace_things_total', 'Things.')
  const gauge = meters.gauge('millrace_lag', 'A line\nand \\ more.')
  const histogram = meters.histogram('millrace_took_seconds', 'Times.', [0.1, 1])
  counter.add(1, { of: 'a "b" \\ c\nd' })
  counter.add(2, { of: 'a "b" \\ c\nd' })
  gauge.set(5)
  gauge.set(3)
  for (const value of [0.1, 0.5, 7]) histogram.record(value, { task: 't' })
  expect(prometheusText(meters.collect())).toBe(
    [
      '# HELP millrace_things_total Things.',
      '# TYPE millrace_things_total counter',
      String.raw`millrace_things_total{of="a \"b\" \\ c\nd"} 3`,
      String.raw`# HELP millrace_lag A line\nand \\ more.`,
      '# TYPE millrace_lag gauge',
      'millrace_lag 3',
      '# HELP millrace_took_seconds Times.',
      '# TYPE millrace_took_seconds histogram',
      'millrace_took_seconds_bucket{task="t",le="0.1"} 1',
      'millrace_took_seconds_bucket{task="t",le="1"} 2',
      'millrace_took_seconds_bucket{task="t",le="+Inf"} 3',
      'millrace_took_seconds_sum{task="t"} 7.6',
      'millrace_took_seconds_count{task="t"} 3',
      '',
    ].join('\n'),
  )
})

test('the order of labels makes no other series, and a name is taken once', () => {
  const meters = new Meters()
  const counter = meters.counter('c_total', '')
  counter.add(1, { a: '1', b: '2' })
  counter.add(1, { b: '2', a: '1' })
  expect(meters.collect()[0]?.samples).toEqual([{ labels: { a: '1', b: '2' }, value: 2 }])
  expect(() => meters.gauge('c_total', '')).toThrow('c_total is there already')
})

test('labels without end are counted together', () => {
  const meters = new Meters()
  const counter = meters.counter('c_total', '')
  for (let at = 0; at < 1_500; at++) counter.add(1, { id: String(at) })
  const samples = meters.collect()[0]?.samples ?? []
  expect(samples).toHaveLength(1_001)
  expect(samples.at(-1)).toEqual({ labels: { overflow: 'true' }, value: 500 })
})

test('each value is in the bucket of the first bound that it does not exceed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })),
      fc.uniqueArray(fc.integer(), { minLength: 1 }),
      (values, some) => {
        const bounds = some.toSorted((a, b) => a - b)
        const meters = new Meters()
        const histogram = meters.histogram('h', '', bounds)
        for (const value of values) histogram.record(value)
        const [family] = meters.collect()
        if (family?.type !== 'histogram') throw new Error('no histogram')
        const counts = family.samples[0]?.value.counts ?? bounds.map(() => 0).concat(0)
        expect(counts.reduce((sum, each) => sum + each, 0)).toBe(values.length)
        for (const [at, bound] of bounds.entries())
          expect(counts.slice(0, at + 1).reduce((sum, each) => sum + each, 0)).toBe(values.filter((value) => value <= bound).length)
      },
    ),
  )
})
