/** What one broker did with one load, once. */
export interface Figure {
  readonly perSecond: number
  /** CPU seconds of the broker for a million records. */
  readonly cpu: number
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}

/** By load, then by broker: one figure a round. */
export class Figures {
  readonly #found = new Map<string, Map<string, Figure[]>>()

  add(what: string, server: string, figure: Figure): void {
    const ofLoad = this.#found.get(what) ?? new Map<string, Figure[]>()
    this.#found.set(what, ofLoad)
    ofLoad.set(server, [...(ofLoad.get(server) ?? []), figure])
  }

  /** One a round. */
  of(what: string, server: string): readonly Figure[] {
    return this.#found.get(what)?.get(server) ?? []
  }

  /** Rows of a table: medians, in brackets the best of the rounds; the ratios are medians of those round by round. */
  rows(than: string): string[] {
    const rows = [
      '| load | broker | records/s (best) | CPU s per million (least) | rate ÷ Kafka’s | CPU ÷ Kafka’s |',
      '|---|---|---|---|---|---|',
    ]
    for (const [what, servers] of this.#found) {
      const theirs = servers.get(than)
      for (const [name, figures] of servers) {
        const rates = figures.map(({ perSecond }) => perSecond)
        const cpus = figures.map(({ cpu }) => cpu)
        const ratio = (of: (figure: Figure) => number): string =>
          theirs && name !== than ? median(figures.flatMap((figure, i) => (theirs[i] ? [of(figure) / of(theirs[i])] : []))).toFixed(2) : ''
        rows.push(
          `| ${what} | ${name} | ${thousands(median(rates))} (${thousands(Math.max(...rates))}) | ${median(cpus).toFixed(2)} (${Math.min(...cpus).toFixed(2)}) | ${ratio(({ perSecond }) => perSecond)} | ${ratio(({ cpu }) => cpu)} |`,
        )
      }
    }
    return rows
  }
}

function thousands(value: number): string {
  return `${Math.round(value / 1000)}k`
}
