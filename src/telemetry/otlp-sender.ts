import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { backoffMs, errnoOf, type Clock, type Logger } from '../platform/index.ts'
import type { OtlpEndpoint } from './environment.ts'

const retries = 4
const backoff = { initialMs: 1_000, maxMs: 5_000 }
/** That a server is busy or not there; the protocol names these. */
const retriableStatuses = new Set([429, 502, 503, 504])

/** Posts to one endpoint, with the protocol's retries. What fails is dropped, and told once until it works again. */
export class OtlpSender {
  readonly #endpoint: OtlpEndpoint
  readonly #clock: Clock
  readonly #log: Logger
  #isFailing = false

  constructor(endpoint: OtlpEndpoint, clock: Clock, log: Logger) {
    this.#endpoint = endpoint
    this.#clock = clock
    this.#log = log
  }

  /** @returns whether it was taken; never rejects */
  async send(body: object, signal: AbortSignal): Promise<boolean> {
    const text = JSON.stringify(body)
    const bytes = this.#endpoint.gzip ? await promisify(gzip)(text) : text
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#post(bytes, signal)
      if (answer === null) return this.#works()
      if (signal.aborted) return false
      if (!answer.retriable || attempt >= retries) return this.#fails(answer.reason)
      await this.#clock.sleep(answer.retryAfterMs ?? backoffMs(attempt, backoff), signal).catch(() => undefined)
      if (signal.aborted) return false
    }
  }

  /** Null: it was taken. Reasons never hold URL or headers (P8). */
  async #post(body: string | Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Failure | null> {
    const { url, headers, timeoutMs, gzip: isGzip } = this.#endpoint
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'user-agent': 'millrace-otlp',
          ...headers,
          'content-type': 'application/json',
          ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      await response.body?.cancel().catch(() => undefined)
      if (response.ok) return null
      const seconds = Number(response.headers.get('retry-after') ?? '')
      return {
        reason: `it answered ${response.status}`,
        retriable: retriableStatuses.has(response.status),
        retryAfterMs: seconds > 0 && seconds <= 60 ? seconds * 1_000 : null,
      }
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined
      const isLate = error instanceof Error && error.name === 'TimeoutError'
      const reason = isLate ? `no answer within ${timeoutMs} ms` : `it cannot be reached (${errnoOf(cause) ?? 'unknown reason'})`
      return { reason, retriable: true, retryAfterMs: null }
    }
  }

  #works(): true {
    if (this.#isFailing) this.#log.info('the OTLP endpoint takes data again', { endpoint: new URL(this.#endpoint.url).host })
    this.#isFailing = false
    return true
  }

  #fails(reason: string): false {
    if (!this.#isFailing) this.#log.warn(`the OTLP endpoint takes no data: ${reason}`, { endpoint: new URL(this.#endpoint.url).host })
    this.#isFailing = true
    return false
  }
}

interface Failure {
  reason: string
  retriable: boolean
  retryAfterMs: number | null
}
