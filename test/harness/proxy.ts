import { createServer, type Server } from 'node:net'
import { Relay } from './relay.ts'
import { seededRandom } from './seeded-random.ts'

/** From the client to the server (`up`), from the server to the client (`down`). */
export type Direction = 'up' | 'down'

/** What a proxy does to its connections until it is told otherwise. */
export type Fault =
  | { readonly is: 'pass' }
  /** Connections are cut (RST); nothing listens, so that new ones are refused. */
  | { readonly is: 'refuse' }
  /** Every byte is `upMs` or `downMs` late, and up to `jitterMs` more; order stays. */
  | { readonly is: 'delay'; readonly upMs?: number; readonly downMs?: number; readonly jitterMs?: number; readonly seed?: number }
  /**
   * Connections, present and new, are accepted and silent: no byte, no FIN. What is sent stays where it is, as with a lost route.
   * `afterwards` says what becomes of them at the next fault (or pass): they `resume` with what waited, or stay `dead` for ever, as when
   * a firewall forgot them; `cut` tells their ends by RST.
   */
  | { readonly is: 'half-open'; readonly silent?: Direction | 'both'; readonly afterwards?: 'resume' | 'dead' | 'cut' }
  /** Each connection is cut after so many more bytes, both directions together. */
  | { readonly is: 'drop-after'; readonly bytes: number }
  /** For each connection and direction. */
  | { readonly is: 'limit'; readonly bytesPerSecond: number }

/** A TCP proxy before one address, for faults of the network. */
export interface Proxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** `host:port`. */
  readonly address: string
  readonly connections: number
  /** Resolves once the fault is in force. It stays so until the next call; `{ is: 'pass' }` ends it. */
  set(fault: Fault): Promise<void>
  /** Cuts every connection by RST, once; new ones are taken. Returns how many there were. */
  cut(): number
  close(): Promise<void>
}

export interface ProxyOptions {
  /** Where it forwards to. */
  readonly target: { readonly host: string; readonly port: number }
  /** 127.0.0.1 when left out. */
  readonly host?: string
  /** 0, the default, picks a free one. */
  readonly port?: number
}

export async function startProxy({ target, host = '127.0.0.1', port = 0 }: ProxyOptions): Promise<Proxy> {
  const proxy = new TcpProxy(target, host)
  await proxy.listen(port)
  return proxy
}

class TcpProxy implements Proxy {
  readonly host: string
  readonly #target: { readonly host: string; readonly port: number }
  readonly #relays = new Set<Relay>()
  #server: Server | null = null
  #port = 0
  #fault: Fault = { is: 'pass' }
  #random: () => number = Math.random

  constructor(target: { readonly host: string; readonly port: number }, host: string) {
    this.#target = target
    this.host = host
  }

  get port(): number {
    return this.#port
  }
  get address(): string {
    return `${this.host}:${this.#port}`
  }
  get connections(): number {
    return this.#relays.size
  }

  async listen(port: number): Promise<void> {
    // The other end's FIN is passed on when its turn comes, not answered here.
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
      const relay = new Relay(client, this.#target, () => this.#relays.delete(relay))
      this.#relays.add(relay)
      relay.set(this.#fault, this.#random)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: this.host, port }, resolve)
    })
    const address = server.address()
    this.#port = typeof address === 'object' && address ? address.port : port
    this.#server = server
  }

  async set(fault: Fault): Promise<void> {
    this.#fault = fault
    this.#random = fault.is === 'delay' ? seededRandom(fault.seed ?? 1) : Math.random
    for (const relay of this.#relays) relay.set(fault, this.#random)
    if (fault.is === 'refuse') {
      const closed = this.#stopListening()
      this.cut()
      await closed
    } else if (this.#server === null) await this.listen(this.#port)
  }

  cut(): number {
    const relays = [...this.#relays]
    for (const relay of relays) relay.cut()
    return relays.length
  }

  async close(): Promise<void> {
    const closed = this.#stopListening()
    this.cut()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #stopListening(): Promise<void> {
    const server = this.#server
    this.#server = null
    return new Promise((resolve) => (server ? server.close(() => resolve()) : resolve()))
  }
}
