import type { HistogramValue, Labels, MetricFamily } from './meters.ts'

/** Metrics in Prometheus' text format 0.0.4. What could not be counted is left out. */
export function prometheusText(families: readonly MetricFamily[]): string {
  return families.map(textOf).join('')
}

function textOf(family: MetricFamily): string {
  const { name, type, help } = family
  const lines =
    family.type === 'histogram'
      ? family.samples.flatMap(({ labels, value }) => histogramLines(name, labels, value))
      : family.samples.flatMap(({ labels, value }) => (value === null ? [] : [line(name, labels, value)]))
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

/** Buckets are of all values up to their bound. */
function histogramLines(name: string, labels: Labels, { bounds, counts, sum, count }: HistogramValue): string[] {
  let upTo = 0
  const buckets = bounds.map((bound, at) => {
    upTo += counts[at] ?? 0
    return line(`${name}_bucket`, { ...labels, le: String(bound) }, upTo)
  })
  return [
    ...buckets,
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ]
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
}
