import { backoffMs, type Clock, type Logger } from '../../platform/index.ts'
import type { AlertMessage, Delivery } from './webhook.ts'

export interface OutboxOptions {
  deliver(this: void, message: AlertMessage, signal: AbortSignal): Promise<Delivery>
  /** What waits has changed. */
  onChange(this: void): void
  clock: Clock
  log: Logger
}

export interface Waiting {
  readonly key: string
  readonly message: AlertMessage
  /** Since when, milliseconds since 1970. */
  readonly sinceMs: number
}

const backoff = { initialMs: 1_000, maxMs: 60_000 }
/** What cannot be delivered for so long is given up. */
const givenUpAfterMs = 24 * 3_600_000
const mostWaiting = 1_000

/**
 * Messages on their way to the webhook, the last of each alert: one that is resolved before its firing was delivered is told once, as
 * resolved. Tried one after another until they are taken, with back-off, beside everything else.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #waiting = new Map<string, Waiting>()
  readonly #ending = new AbortController()
  #draining: Promise<void> | null = null
  delivered = 0
  failed = 0
  lastError: string | null = null

  constructor(options: OutboxOptions, waiting: readonly Waiting[]) {
    this.#options = options
    for (const each of waiting) this.#waiting.set(each.key, each)
  }

  get waiting(): readonly Waiting[] {
    return [...this.#waiting.values()]
  }

  put(key: string, message: AlertMessage): void {
    this.#waiting.delete(key)
    this.#waiting.set(key, { key, message, sinceMs: this.#options.clock.nowMs() })
    const [oldest] = this.#waiting.values()
    if (oldest && this.#waiting.size > mostWaiting) this.#giveUp(oldest, `more than ${mostWaiting} messages wait`)
    this.#options.onChange()
    this.start()
  }

  /** Goes on with what waits. */
  start(): void {
    if (this.#ending.signal.aborted || this.#waiting.size === 0) return
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = null
      this.start()
    })
  }

  async #drain(): Promise<void> {
    const { deliver, clock } = this.#options
    const { signal } = this.#ending
    for (let attempt = 0; this.#waiting.size > 0 && !signal.aborted;) {
      const [next] = this.#waiting.values()
      if (next === undefined) return
      const result = await deliver(next.message, signal)
      if (signal.aborted) return
      if (result.is === 'delivered') {
        this.#delivered(next, attempt)
        attempt = 0
        continue
      }
      this.#noteFailure(next, result.reason, attempt)
      if (!result.retriable || clock.nowMs() - next.sinceMs >= givenUpAfterMs) this.#giveUp(next, result.reason)
      else await clock.sleep(result.retryAfterMs ?? backoffMs(attempt++, backoff), signal).catch(() => undefined)
    }
  }

  #delivered(waiting: Waiting, attempt: number): void {
    this.delivered++
    if (attempt > 0) this.#options.log.info('the webhook of the alerts takes messages again')
    this.lastError = null
    this.#remove(waiting)
  }

  #noteFailure({ message }: Waiting, reason: string, attempt: number): void {
    this.failed++
    this.lastError = reason
    const fields = { alert: message.alert.name, status: message.status }
    if (attempt === 0) this.#options.log.warn(`an alert was not delivered to the webhook: ${reason}`, fields)
  }

  #giveUp(waiting: Waiting, reason: string): void {
    const { message } = waiting
    this.#options.log.error(`an alert is not delivered: ${reason}`, { alert: message.alert.name, status: message.status })
    this.#remove(waiting)
  }

  /** A newer message of the same alert stays. */
  #remove({ key, message }: Waiting): void {
    if (this.#waiting.get(key)?.message !== message) return
    this.#waiting.delete(key)
    this.#options.onChange()
  }

  /** What has not been delivered stays in `waiting`. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.#draining
  }
}
