export type Labels = Readonly<Record<string, string>>

/** Counts of a histogram: `counts` by bucket, one more than there are bounds. */
export interface HistogramValue {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
  readonly count: number
}

/** A metric with its values now, for whoever writes them: Prometheus' text, OTLP. */
export type MetricFamily =
  | {
      readonly type: 'counter' | 'gauge'
      /** By Prometheus' rules: `millrace_…`, with its unit, counters end in `_total`. */
      readonly name: string
      readonly help: string
      /** Of a counter that began before this process, or may begin anew while it lives. */
      readonly since?: 'unknown'
      readonly samples: readonly { readonly labels: Labels; readonly value: number | null }[]
    }
  | {
      readonly type: 'histogram'
      readonly name: string
      readonly help: string
      readonly samples: readonly { readonly labels: Labels; readonly value: HistogramValue }[]
    }

export interface Counter {
  /** @param by at least 0 */
  add(by: number, labels?: Labels): void
}

export interface Gauge {
  set(value: number, labels?: Labels): void
}

export interface Histogram {
  record(value: number, labels?: Labels): void
}

/** Seconds: from what a cache answers to what somebody waits for. */
export const secondsBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** More sets of labels than this are counted together: a label that is different each time must not fill the memory. */
const mostSeries = 1_000
const overflow: Labels = { overflow: 'true' }

/**
 * The metrics of a process. Names are taken once. What is in it goes to `/metrics` and, where an OTLP endpoint is set, there too.
 * Labels are names (of streams, DAGs, routes), never values of records. Streams: counters of records by outcome, a histogram of a
 * batch's seconds by step, gauges of lag and state size, on the meters they are handed.
 */
export class Meters {
  readonly #families = new Map<string, () => MetricFamily>()

  counter(name: string, help: string): Counter {
    const series = new Series<number>()
    this.#add(name, () => ({ type: 'counter', name, help, samples: series.samples((value) => value) }))
    return { add: (by, labels = {}) => series.update(labels, (before = 0) => before + by) }
  }

  gauge(name: string, help: string): Gauge {
    const series = new Series<number>()
    this.#add(name, () => ({ type: 'gauge', name, help, samples: series.samples((value) => value) }))
    return { set: (value, labels = {}) => series.update(labels, () => value) }
  }

  /** @param bounds upper bounds of its buckets, rising; the last bucket has none */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const series = new Series<{ counts: number[]; sum: number; count: number }>()
    this.#add(name, () => ({
      type: 'histogram',
      name,
      help,
      samples: series.samples(({ counts, sum, count }) => ({ bounds, counts: [...counts], sum, count })),
    }))
    return {
      record: (value, labels = {}) =>
        series.update(labels, (before) => {
          const into = before ?? { counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0, count: 0 }
          const at = bounds.findIndex((bound) => value <= bound)
          const bucket = at < 0 ? bounds.length : at
          into.counts[bucket] = (into.counts[bucket] ?? 0) + 1
          into.sum += value
          into.count++
          return into
        }),
    }
  }

  collect(): MetricFamily[] {
    return [...this.#families.values()].map((collect) => collect())
  }

  #add(name: string, collect: () => MetricFamily): void {
    if (this.#families.has(name)) throw new Error(`The metric ${name} is there already.`)
    this.#families.set(name, collect)
  }
}

class Series<T> {
  readonly #byLabels = new Map<string, { labels: Labels; value: T }>()

  update(labels: Labels, change: (before: T | undefined) => T): void {
    const known = this.#byLabels.get(keyOf(labels))
    const kept = known || this.#byLabels.size < mostSeries ? labels : overflow
    const before = this.#byLabels.get(keyOf(kept))?.value
    this.#byLabels.set(keyOf(kept), { labels: kept, value: change(before) })
  }

  samples<V>(as: (value: T) => V): { labels: Labels; value: V }[] {
    return [...this.#byLabels.values()].map(({ labels, value }) => ({ labels, value: as(value) }))
  }
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
