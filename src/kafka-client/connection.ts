import type { Socket } from 'node:net'
import { type Api, decodeResponse, encodeRequestFrame } from '../kafka-wire/index.ts'
import { abortReason, asMillraceError, type Clock, errnoOf, type Logger, MillraceError } from '../platform/index.ts'
import { FrameAssembler } from './frame-assembler.ts'
import { negotiate, type Served } from './handshake.ts'
import { Renewal } from './renewal.ts'
import { authenticate, type SaslMechanism, type SaslSession } from './sasl.ts'
import { explainTls, isTlsAlert, openSocket, type TlsIdentity } from './tls.ts'

export interface ConnectionOptions {
  host: string
  port: number
  clientId: string
  tls: TlsIdentity | null
  sasl: SaslMechanism | null
  connectTimeoutMs: number
  requestTimeoutMs: number
  clock: Clock
  log: Logger
  /** Ends it, also while it opens. */
  signal?: AbortSignal
}

/** Sends one request and gives the whole answer frame, undecoded. */
export type SendRaw = <Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  version: number,
  body: NoInfer<SparseReq>,
  timeoutMs?: number,
) => Promise<Uint8Array>

interface InFlight {
  correlationId: number
  timeoutMs: number
  cancelTimer: () => void
  resolve(frame: Uint8Array): void
  reject(error: MillraceError): void
}

interface Held {
  go: () => void
  reject: (error: MillraceError) => void
}

/** `opening`: what it waits for. */
type State = { is: 'opening'; step: string } | { is: 'open' } | { is: 'closed'; error: MillraceError }

const READ_BUFFER_BYTES = 128 * 1024

/**
 * One TCP connection: requests are pipelined, answers arrive in the order of the requests. A request that times out closes it
 * (the answer could come later and belong to nobody), so that every request in flight rejects with a retriable error.
 */
export class Connection {
  readonly address: string
  readonly #options: ConnectionOptions
  readonly #inFlight: InFlight[] = []
  readonly #closeListeners = new Set<() => void>()
  #socket: Socket | null = null
  #state: State = { is: 'opening', step: 'the connection' }
  #served: Served = { ranges: new Map(), features: new Map() }
  #nextCorrelationId = 0
  /** Requests that wait for an authentication in between (KIP-368: the broker takes nothing else meanwhile). */
  #held: Held[] | null = null
  #renewal: Renewal | null = null
  #isConnected = false
  #hasHeard = false
  /** On the monotonic clock. */
  #heardAtMs = Number.NEGATIVE_INFINITY
  /** True once it answered more than the handshake. */
  #hasServed = false

  private constructor(options: ConnectionOptions) {
    this.#options = options
    this.address = `${options.host}:${options.port}`
  }

  /** Connects, asks for the broker's API versions and authenticates. Rejects with UNREACHABLE, AUTHENTICATION_FAILED, PROTOCOL or CLOSED. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options)
    const cancelTimer = options.clock.after(options.connectTimeoutMs, () => connection.#onOpenTimeout())
    const onAbort = (): void => connection.#fail(asMillraceError(abortReason(options.signal)))
    if (options.signal?.aborted) onAbort()
    options.signal?.addEventListener('abort', onAbort, { once: true })
    connection.onClose(() => options.signal?.removeEventListener('abort', onAbort))
    try {
      return await connection.#open()
    } catch (error) {
      const failure = asMillraceError(error, 'PROTOCOL', `${connection.address}: `)
      connection.#fail(failure)
      throw failure
    } finally {
      cancelTimer()
    }
  }

  get isOpen(): boolean {
    return this.#state.is === 'open'
  }

  onClose(listener: () => void): void {
    if (this.#state.is === 'closed') listener()
    else this.#closeListeners.add(listener)
  }

  /** The highest version of `api` that the broker, the codec and the caller (`atMost`) know. Throws PROTOCOL when there is none. */
  version<Req, Res, SparseReq, SparseRes>(api: Api<Req, Res, SparseReq, SparseRes>, atMost: number): number {
    const range = this.#served.ranges.get(api.key)
    const [codecMin, codecMax] = api.request.versions
    const version = Math.min(atMost, codecMax, range?.max ?? -1)
    if (range && version >= Math.max(codecMin, range.min)) return version
    throw new MillraceError('PROTOCOL', `${this.address} does not serve ${api.name} in a version this client knows.`, {
      details: { api: api.name, brokerMin: range?.min ?? null, brokerMax: range?.max ?? null },
    })
  }

  /** The level of a feature that the cluster has agreed on (KIP-584); 0 when it has none, or is older than that. */
  featureLevel(name: string): number {
    return this.#served.features.get(name) ?? 0
  }

  /** Rejects with UNREACHABLE or TIMED_OUT (both retriable: the outcome is unknown) or PROTOCOL. */
  async request<Req, Res, SparseReq, SparseRes>(
    api: Api<Req, Res, SparseReq, SparseRes>,
    version: number,
    body: NoInfer<SparseReq>,
    timeoutMs?: number,
  ): Promise<Res> {
    const frame = await this.#sendRaw(api, version, body, timeoutMs)
    try {
      return decodeResponse(api, version, frame).body
    } catch (error) {
      const wrapped = asMillraceError(error, 'PROTOCOL', `${this.address} sent an unreadable answer to ${api.name} v${version}: `)
      this.#fail(wrapped)
      throw wrapped
    }
  }

  close(): void {
    this.#fail(new MillraceError('CLOSED', `The connection to ${this.address} was closed by this client.`))
  }

  #sendRaw: SendRaw = (api, version, body, timeoutMs = this.#options.requestTimeoutMs) => {
    const held = this.#held
    if (!held || this.#state.is === 'closed') return this.#write(api, version, body, timeoutMs)
    return new Promise((resolve, reject) => {
      held.push({ go: () => void this.#write(api, version, body, timeoutMs).then(resolve, reject), reject })
    })
  }

  #write: SendRaw = (api, version, body, timeoutMs = this.#options.requestTimeoutMs) => {
    const state = this.#state
    if (state.is === 'closed') return Promise.reject(state.error)
    const correlationId = this.#nextCorrelationId
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff
    const frame = encodeRequestFrame(api, version, { correlationId, clientId: this.#options.clientId }, body)
    return new Promise((resolve, reject) => {
      const entry: InFlight = { correlationId, timeoutMs, cancelTimer: () => undefined, resolve, reject }
      this.#watch(entry, api.name, timeoutMs)
      this.#inFlight.push(entry)
      this.#socket?.write(frame)
    })
  }

  /** Fails the connection when nothing is heard for the request's time: a large answer over a slow line is not cut off while it comes. */
  #watch(entry: InFlight, what: string, waitMs: number): void {
    const { clock } = this.#options
    const fromMs = clock.monotonicMs()
    entry.cancelTimer = clock.after(waitMs, () => {
      const silentMs = clock.monotonicMs() - this.#heardAtMs
      if (this.#heardAtMs > fromMs && silentMs < entry.timeoutMs) return this.#watch(entry, what, entry.timeoutMs - silentMs)
      this.#fail(new MillraceError('TIMED_OUT', `${this.address} did not answer ${what} within ${entry.timeoutMs} ms.`))
    })
  }

  async #open(): Promise<Connection> {
    await this.#connect()
    this.#step('the versions it serves')
    this.#served = await negotiate(this.#write)
    const session = this.#options.sasl ? await this.#authenticate(this.#options.sasl) : null
    if (this.#state.is === 'closed') throw this.#state.error
    this.#state = { is: 'open' }
    if (session) this.#renewWithin(session)
    return this
  }

  #step(step: string): void {
    if (this.#state.is === 'opening') this.#state = { is: 'opening', step }
  }

  #onOpenTimeout(): void {
    if (this.#state.is !== 'opening') return
    this.#fail(this.#unreachable(`no connection within ${this.#options.connectTimeoutMs} ms, it waited for ${this.#state.step}`))
  }

  async #authenticate(sasl: SaslMechanism): Promise<SaslSession> {
    this.#step('the token function')
    const exchange = await this.#untilClosed(sasl.begin())
    this.#step('the authentication')
    const at = { address: this.address, timeoutMs: this.#options.connectTimeoutMs }
    return sessionOf(await authenticate(this.#write, this.#served.ranges, sasl, exchange, at), exchange.expiresAtMs, this.#options.clock)
  }

  /** KIP-368: the same connection authenticates again before its session ends; requests made meanwhile wait, in order. */
  #renewWithin({ lifetimeMs }: SaslSession): void {
    const { sasl, clock, log } = this.#options
    if (!sasl || lifetimeMs === null || this.#state.is === 'closed') return
    this.#renewal = new Renewal({
      lifetimeMs,
      clock,
      log,
      address: this.address,
      begin: () => this.#untilClosed(sasl.begin()),
      onExchange: async (exchange) => {
        const queuedMs = this.#inFlight.reduce((longest, { timeoutMs }) => Math.max(longest, timeoutMs), 0)
        const at = { address: this.address, timeoutMs: this.#options.requestTimeoutMs, queuedMs }
        const held: Held[] = []
        this.#held = held
        const session = await authenticate(this.#write, this.#served.ranges, sasl, exchange, at)
        this.#held = null
        for (const request of held) request.go()
        this.#renewWithin(sessionOf(session, exchange.expiresAtMs, clock))
      },
      onFailure: (error) => this.#fail(error),
    })
  }

  /** Rejects when the connection closes before it settles. */
  async #untilClosed<T>(promise: Promise<T>): Promise<T> {
    let listener: () => void = () => undefined
    const closed = new Promise<never>((_, reject) => {
      listener = () => reject(this.#state.is === 'closed' ? this.#state.error : this.#unreachable('closed'))
      this.onClose(listener)
    })
    try {
      return await Promise.race([promise, closed])
    } finally {
      this.#closeListeners.delete(listener)
    }
  }

  #connect(): Promise<void> {
    const assembler = new FrameAssembler((frame) => this.#onFrame(frame))
    return this.#untilClosed(
      new Promise((resolve) => {
        if (this.#state.is === 'closed') return
        const { socket, connected } = openSocket(this.#options, {
          buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
          callback: (count, buffer) => {
            this.#onBytes(assembler, buffer.subarray(0, count))
            return true
          },
        })
        this.#socket = socket
        socket.once('connect', () => this.#step(connected === 'secureConnect' ? 'the TLS handshake' : 'the connection'))
        socket.once(connected, () => {
          this.#isConnected = true
          resolve()
        })
        socket.on('error', (error) => this.#fail(explainTls(error, this.#options) ?? this.#unreachable(this.#why(error), error)))
        socket.once('end', () => this.#fail(this.#unreachable(this.#closedBecause())))
        socket.once('close', () => this.#fail(this.#unreachable(this.#closedBecause())))
      }),
    )
  }

  /** A broker's port without TLS takes a TLS handshake for garbage and hangs up. */
  #why(error: Error): string {
    const { tls } = this.#options
    const isHandshake = tls !== null && !this.#isConnected && errnoOf(error) === 'ECONNRESET'
    return isHandshake ? this.#closedBecause() : error.message
  }

  #closedBecause(): string {
    if (this.#options.tls && !this.#isConnected) return 'it closed the connection during the TLS handshake (is this a port without TLS?)'
    const isRefusal = !this.#options.sasl && !this.#hasServed
    const wanted = this.#options.tls ? 'a user name and password' : 'TLS, or a user name and password'
    const hint = ` before it answered anything (does it want ${wanted}?)`
    return `it closed the connection${isRefusal ? hint : ''}`
  }

  #onBytes(assembler: FrameAssembler, bytes: Uint8Array): void {
    this.#heardAtMs = this.#options.clock.monotonicMs()
    try {
      if (!this.#hasHeard && !this.#options.tls && isTlsAlert(bytes))
        throw new MillraceError('PROTOCOL', `${this.address} speaks TLS: set tls, or use the broker's port without it.`)
      this.#hasHeard = true
      assembler.push(bytes)
    } catch (error) {
      this.#fail(asMillraceError(error, 'PROTOCOL', `${this.address}: `))
    }
  }

  #onFrame(frame: Uint8Array): void {
    const correlationId = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getInt32(0)
    const entry = this.#inFlight[0]
    if (!entry || entry.correlationId !== correlationId) {
      throw new MillraceError('PROTOCOL', `${this.address} answered request ${correlationId}, which is not the oldest one waiting.`)
    }
    this.#inFlight.shift()
    entry.cancelTimer()
    if (this.#state.is === 'open') this.#hasServed = true
    entry.resolve(frame)
  }

  #unreachable(why: string, cause?: unknown): MillraceError {
    const { host, port } = this.#options
    return new MillraceError('UNREACHABLE', `Kafka at ${this.address} cannot be reached: ${why}.`, { cause, details: { host, port } })
  }

  #fail(error: MillraceError): void {
    if (this.#state.is === 'closed') return
    this.#state = { is: 'closed', error }
    this.#renewal?.stop()
    this.#socket?.destroy()
    for (const request of this.#held?.splice(0) ?? []) request.reject(error)
    for (const entry of this.#inFlight.splice(0)) {
      entry.cancelTimer()
      entry.reject(error)
    }
    for (const listener of this.#closeListeners) listener()
    this.#closeListeners.clear()
  }
}

/** What the broker allows, less when the token ends sooner. A broker that sets no limit wants no renewal, whatever the token says. */
function sessionOf({ lifetimeMs }: SaslSession, expiresAtMs: number | undefined, clock: Clock): SaslSession {
  if (lifetimeMs === null || expiresAtMs === undefined) return { lifetimeMs }
  return { lifetimeMs: Math.max(0, Math.min(lifetimeMs, expiresAtMs - clock.nowMs())) }
}
