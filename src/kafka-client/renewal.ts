import { asMillraceError, backoffMs, type Clock, type Logger, type MillraceError } from '../platform/index.ts'
import type { SaslExchange } from './sasl.ts'

export interface RenewalOptions {
  /** Of the session that now is; the broker closes the connection after it. */
  readonly lifetimeMs: number
  readonly clock: Clock
  readonly log: Logger
  readonly address: string
  /** A new exchange; may fail for a while when it needs a token. */
  readonly begin: () => Promise<SaslExchange>
  /** Authenticates with it. */
  readonly onExchange: (exchange: SaslExchange) => Promise<void>
  /** The session cannot be renewed. */
  readonly onFailure: (error: MillraceError) => void
}

/** As Kafka's own client: somewhere in here, so that many connections do not renew at once. */
const EARLIEST = 0.85
const LATEST = 0.95
const TOKEN_BACKOFF = { initialMs: 500, maxMs: 10_000 }

/** The one re-authentication at the end of a SASL session (KIP-368). A token that is not to be had is asked for again until the session ends. */
export class Renewal {
  readonly #options: RenewalOptions
  readonly #endsAtMs: number
  #cancel: () => void
  #isStopped = false

  constructor(options: RenewalOptions) {
    const { clock, lifetimeMs } = options
    this.#options = options
    this.#endsAtMs = clock.monotonicMs() + lifetimeMs
    const share = EARLIEST + (LATEST - EARLIEST) * Math.random()
    this.#cancel = clock.after(lifetimeMs * share, () => void this.#renew(0))
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  /** Never rejects. */
  async #renew(attempt: number): Promise<void> {
    const { begin, onExchange, onFailure } = this.#options
    const exchange = await begin().catch((error: unknown) => this.#onNoToken(attempt, asMillraceError(error)))
    if (!exchange || this.#isStopped) return
    try {
      await onExchange(exchange)
    } catch (error) {
      if (!this.#isStopped) onFailure(asMillraceError(error, 'PROTOCOL'))
    }
  }

  #onNoToken(attempt: number, error: MillraceError): null {
    if (this.#isStopped) return null
    const { clock, log, address, onFailure } = this.#options
    const waitMs = backoffMs(attempt, TOKEN_BACKOFF)
    if (!error.retriable || clock.monotonicMs() + waitMs >= this.#endsAtMs) {
      onFailure(error)
      return null
    }
    log.warn('no token to renew the session with; asking again', { broker: address, reason: error.message })
    this.#cancel = clock.after(waitMs, () => void this.#renew(attempt + 1))
    return null
  }
}
