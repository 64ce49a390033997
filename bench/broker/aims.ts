import { median, type Figures } from './figures.ts'

/** What was to be reached, and what was. */
interface Aim {
  readonly what: string
  readonly wanted: string
  readonly ours: string
  /** '' where Kafka was left out, or does not count. */
  readonly kafka: string
  readonly isMet: boolean
}

/** A row for each aim, in the order in which they were measured. */
export class Aims {
  readonly #found: Aim[] = []

  /** An upper bound for a figure of ours; Kafka's stands beside it. */
  most(what: string, bound: number, unit: string, ours: number, kafka: number | undefined, digits = 0): void {
    const text = (value: number): string => `${value.toFixed(digits)} ${unit}`
    this.#found.push({
      what,
      wanted: `≤ ${bound} ${unit}`,
      ours: text(ours),
      kafka: kafka === undefined ? '' : text(kafka),
      isMet: ours <= bound,
    })
  }

  /** What only had to be held. */
  held(what: string, ours: string, kafka: string): void {
    this.#found.push({ what, wanted: 'held', ours, kafka, isMet: true })
  }

  /** Rates and CPU of one load as parts of Kafka's: rates round by round, CPU of Kafka's best, which is its warmest. */
  load(figures: Figures, what: string, mostOs: number): void {
    const [synced = [], os = [], kafka = []] = ['millrace', 'millrace, os', 'kafka 4'].map((server) => figures.of(what, server))
    if (kafka.length === 0) return
    const rate = median(synced.flatMap(({ perSecond }, i) => (kafka[i] ? [perSecond / kafka[i].perSecond] : [])))
    const warm = Math.min(...kafka.map(({ cpu }) => cpu))
    const part = (of: readonly { cpu: number }[]): number => median(of.map(({ cpu }) => cpu)) / warm
    const add = (name: string, sign: '≥' | '≤', bound: number, ours: number): void => {
      const isMet = sign === '≥' ? ours >= bound : ours <= bound
      this.#found.push({ what: `${what}: ${name}`, wanted: `${sign} ${bound}`, ours: ours.toFixed(2), kafka: '1', isMet })
    }
    add('records a second, synced', '≥', 1, rate)
    add('CPU, synced', '≤', 1, part(synced))
    add('CPU, os', '≤', mostOs, part(os))
  }

  rows(): string[] {
    const rows = this.#found.map(
      ({ what, wanted, ours, kafka, isMet }) => `| ${what} | ${wanted} | ${ours} | ${kafka} | ${isMet ? 'yes' : '**no**'} |`,
    )
    return ['| aim | wanted | millrace | Kafka 4 | met |', '|---|---|---|---|---|', ...rows]
  }
}
