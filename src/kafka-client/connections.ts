import { abortReason, backoffMs, type Clock, isLoopback, MillraceError } from '../platform/index.ts'
import { Connection } from './connection.ts'
import type { ResolvedConnectOptions } from './options.ts'

interface Health {
  failures: number
  retryAtMs: number
}

const BACKOFF = { initialMs: 50, maxMs: 1_000 }

/**
 * Connections by purpose and address. A purpose (`admin`, one producer, one consumer's fetches, …) has connections of its own,
 * since answers come in request order and a long poll would hold up the rest. A broker that refused is left alone for a while,
 * longer each time, with jitter.
 */
export class Connections {
  readonly #options: ResolvedConnectOptions
  readonly #clock: Clock
  readonly #open = new Map<string, Promise<Connection>>()
  readonly #health = new Map<string, Health>()
  readonly #released = new Set<string>()
  readonly #closing = new AbortController()
  #hasWarned = false

  constructor(options: ResolvedConnectOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** Gives the open connection or makes one, after the address's back-off. Rejects as `Connection.open` does, or CLOSED. */
  get(purpose: string, address: { host: string; port: number }): Promise<Connection> {
    if (this.#closing.signal.aborted) return Promise.reject(new MillraceError('CLOSED', 'The Kafka client is closed.'))
    if (this.#released.has(purpose)) return Promise.reject(new MillraceError('CLOSED', 'What asked for this connection is closed.'))
    const key = `${purpose} ${address.host}:${address.port}`
    const known = this.#open.get(key)
    if (known) return known
    const opening = this.#connect(address)
    this.#open.set(key, opening)
    const forget = (): void => {
      if (this.#open.get(key) === opening) this.#open.delete(key)
    }
    opening.then((connection) => connection.onClose(forget), forget)
    return opening
  }

  /** Closes the connections of one purpose, for good: what is in flight on them, and what is still to be asked, rejects. */
  release(purpose: string): void {
    this.#released.add(purpose)
    for (const [key, opening] of this.#open) {
      if (!key.startsWith(`${purpose} `)) continue
      this.#open.delete(key)
      opening.then(
        (connection) => connection.close(),
        () => undefined,
      )
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new MillraceError('CLOSED', 'The Kafka client is closed.'))
    const opening = [...this.#open.values()]
    this.#open.clear()
    for (const result of await Promise.allSettled(opening)) {
      if (result.status === 'fulfilled') result.value.close()
    }
  }

  async #connect({ host, port }: { host: string; port: number }): Promise<Connection> {
    this.#warnOfClearText(host)
    const health = this.#healthOf(`${host}:${port}`)
    const waitMs = health.retryAtMs - this.#clock.monotonicMs()
    if (waitMs > 0) await this.#clock.sleep(waitMs, this.#closing.signal)
    try {
      const connection = await Connection.open({ ...this.#options, host, port, clock: this.#clock, signal: this.#closing.signal })
      if (this.#closing.signal.aborted) {
        connection.close()
        throw abortReason(this.#closing.signal)
      }
      health.failures = 0
      health.retryAtMs = 0
      return connection
    } catch (error) {
      health.retryAtMs = this.#clock.monotonicMs() + backoffMs(health.failures++, BACKOFF)
      throw error
    }
  }

  /** P8: once a client, where anyone on the way could read the password or token. */
  #warnOfClearText(host: string): void {
    const { sasl, tls, log } = this.#options
    if (this.#hasWarned || tls || !sasl?.tellsSecret || isLoopback(host)) return
    this.#hasWarned = true
    log.warn(`SASL ${sasl.name} sends its secret unencrypted to ${host}: set tls, or use SCRAM.`, { host })
  }

  #healthOf(address: string): Health {
    const known = this.#health.get(address)
    if (known) return known
    const health = { failures: 0, retryAtMs: 0 }
    this.#health.set(address, health)
    return health
  }
}
