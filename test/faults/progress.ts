import { listOffsets, offsetFetch } from '../../src/kafka-wire/index.ts'
import { systemClock } from '../../src/platform/index.ts'
import { connectRawKafka, type RawKafka } from '../engines/raw-kafka.ts'
import { familyOf, usageOf } from '../harness/processes.ts'

/** What was there at a moment: records in the topic, and those of them whose rows are in the table (their offsets are committed). */
export interface Sample {
  readonly atMs: number
  readonly produced: number
  readonly written: number
}

const SAMPLE_INTERVAL_MS = 100
const MEMORY_INTERVAL_MS = 1_000
const PARTITIONS = [0, 1, 2, 3, 4, 5]
const LATEST = -1n

/** Watches a run from beside it: straight at the broker, not through the proxy, every 100 ms; and the memory of its processes once a second. */
export class Progress implements AsyncDisposable {
  readonly #port: number
  readonly #topic: string
  readonly #group: string
  readonly #pid: number
  readonly #samples: Sample[] = []
  readonly #stop = new AbortController()
  readonly #watching: Promise<unknown>
  readonly #memoryMb: { readonly atMs: number; readonly megabytes: number }[] = []
  #kafka: RawKafka | null = null

  constructor(options: { port: number; topic: string; group: string; pid: number }) {
    this.#port = options.port
    this.#topic = options.topic
    this.#group = options.group
    this.#pid = options.pid
    this.#watching = Promise.all([
      this.#every(SAMPLE_INTERVAL_MS, () => this.#sample()),
      this.#every(MEMORY_INTERVAL_MS, async () => this.#measure()),
    ])
  }

  get last(): Sample {
    return this.#samples.at(-1) ?? { atMs: 0, produced: 0, written: 0 }
  }

  /** Until a sample is right; false when the counts have not moved for `stillMs` before: however slow the machine is, it goes on while they do. */
  async until(isRight: (sample: Sample) => boolean, stillMs: number): Promise<boolean> {
    let moved = { sample: this.last, atMs: performance.now() }
    while (!isRight(this.last)) {
      const { last } = this
      const hasMoved = last.produced > moved.sample.produced || last.written > moved.sample.written
      if (hasMoved) moved = { sample: last, atMs: performance.now() }
      else if (performance.now() - moved.atMs > stillMs) return false
      await systemClock.sleep(SAMPLE_INTERVAL_MS / 2)
    }
    return true
  }

  /**
   * Seconds from `fromMs` until records came into the topic and rows into the table again, the later of both; what was complete then does not
   * count, and null where both were.
   */
  resumedAfterS(fromMs: number, total: { produced: number; written: number }): number | null {
    const before = this.#samples.findLast((sample) => sample.atMs <= fromMs) ?? { produced: 0, written: 0 }
    const waits = (['produced', 'written'] as const).flatMap((what) => {
      if (before[what] >= total[what]) return []
      const first = this.#samples.find((sample) => sample.atMs > fromMs && sample[what] > before[what])
      return [first ? (first.atMs - fromMs) / 1_000 : Number.POSITIVE_INFINITY]
    })
    return waits.length === 0 ? null : Math.max(...waits)
  }

  /** PSS of all processes together: the most in the time before `atMs` and in the time after it. */
  memoryMb(atMs: number): { before: number; after: number } {
    const most = (isIn: (at: number) => boolean): number =>
      Math.max(0, ...this.#memoryMb.filter((each) => isIn(each.atMs)).map(({ megabytes }) => megabytes))
    return { before: most((at) => at <= atMs), after: most((at) => at > atMs) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#watching
    this.#kafka?.[Symbol.dispose]()
  }

  async #every(ms: number, act: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      // The server is away, or a process has just ended: the next sample tells more.
      await act().catch(() => undefined)
      await systemClock.sleep(ms, signal).catch(() => undefined)
    }
  }

  async #sample(): Promise<void> {
    try {
      this.#kafka ??= await connectRawKafka(`127.0.0.1:${this.#port}`)
      const ends = await this.#kafka.ask(listOffsets, 7, {
        replicaId: -1,
        topics: [{ name: this.#topic, partitions: PARTITIONS.map((partitionIndex) => ({ partitionIndex, timestamp: LATEST })) }],
      })
      const committed = await this.#kafka.ask(offsetFetch, 7, {
        groupId: this.#group,
        topics: [{ name: this.#topic, partitionIndexes: [...PARTITIONS] }],
      })
      const produced = sum(ends.topics.flatMap((topic) => topic.partitions.map(({ offset }) => Number(offset))))
      const written = sum(committed.topics.flatMap((topic) => topic.partitions.map(({ committedOffset }) => Number(committedOffset))))
      const { last } = this
      // A broker that has just started answers with errors at first; counts never fall.
      this.#samples.push({
        atMs: performance.now(),
        produced: Math.max(last.produced, produced),
        written: Math.max(last.written, written),
      })
    } catch (error) {
      this.#kafka?.[Symbol.dispose]()
      this.#kafka = null
      throw error
    }
  }

  #measure(): void {
    const bytes = sum(familyOf(this.#pid).map(({ pid }) => usageOf(pid).pssBytes))
    this.#memoryMb.push({ atMs: performance.now(), megabytes: bytes / 1e6 })
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + Math.max(0, count), 0)
}
