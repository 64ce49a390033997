import type { RunView, StatusView } from '../core/index.ts'
import type { Clock } from '../platform/index.ts'
import { withheldRun, withheldStatus } from './data/withheld.ts'
import type { ServerEvent } from './http/route.ts'
import type { ApiPorts } from './ports.ts'

const everyMs = 1_000
const latestRuns = 25

/**
 * Status and latest runs as events. They are asked for once a second, by all readers together, and only while there is one; a
 * reader is sent what changed since the id it names. States, not changes: a reader that comes back has everything with one event of each.
 */
export class LiveFeed {
  readonly #ports: Pick<ApiPorts, 'status' | 'scheduler'>
  /** Ids of an earlier process mean nothing here. */
  readonly #boot: string
  readonly #clock: Clock
  readonly #latest = new Map<string, { number: number; text: string; data: unknown; withheld: unknown }>()
  #number = 0
  #asking: Promise<void> | null = null
  #askedMs = -Infinity

  constructor(ports: Pick<ApiPorts, 'status' | 'scheduler'>, clock: Clock) {
    this.#ports = ports
    this.#clock = clock
    this.#boot = clock.nowMs().toString(36)
  }

  /** @param hides whether texts that may tell of personal fields are withheld from this reader: asked for each event */
  async *read(lastEventId: string | null, signal: AbortSignal, hides: () => boolean): AsyncGenerator<ServerEvent> {
    const [boot, number] = (lastEventId ?? '').split('-')
    let seen = boot === this.#boot ? Number(number) : 0
    while (!signal.aborted) {
      await this.#ask()
      // A slow reader may take a while for these: what changes meanwhile is sent after.
      const upTo = this.#number
      for (const [event, { number, data, withheld }] of this.#latest) {
        if (number > seen) yield { event, id: `${this.#boot}-${number}`, data: hides() ? withheld : data }
      }
      seen = upTo
      await this.#clock.sleep(everyMs, signal).catch(() => undefined)
    }
  }

  /** At most one question at a time and a second, shared by all: each reader waits for its own second. */
  async #ask(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (this.#asking === null && nowMs - this.#askedMs < everyMs * 0.9) return
    if (this.#asking === null) this.#askedMs = nowMs
    this.#asking ??= this.#refresh().finally(() => (this.#asking = null))
    await this.#asking
  }

  async #refresh(): Promise<void> {
    const [status, runs] = await Promise.allSettled([this.#ports.status(), this.#ports.scheduler.runs({ limit: latestRuns })])
    if (status.status === 'fulfilled') this.#changed('status', status.value, (now: StatusView) => withheldStatus(now))
    if (runs.status === 'fulfilled') this.#changed('runs', runs.value, (now: readonly RunView[]) => now.map(withheldRun))
  }

  #changed<T>(event: string, data: T, withhold: (data: T) => T): void {
    const text = JSON.stringify(data)
    if (this.#latest.get(event)?.text === text) return
    this.#latest.set(event, { number: ++this.#number, text, data, withheld: withhold(data) })
  }
}
