import { connect, type Socket } from 'node:net'
import { type Api, decodeResponse, encodeRequestFrame } from '../kafka-wire/index.ts'
import { asMillraceError, type Clock, MillraceError } from '../platform/index.ts'
import { FrameAssembler } from './frame-assembler.ts'
import { authenticate, type VersionRanges, negotiate } from './handshake.ts'

export interface ConnectionOptions {
  host: string
  port: number
  clientId: string
  sasl: { mechanism: 'PLAIN'; username: string; password: string } | null
  connectTimeoutMs: number
  requestTimeoutMs: number
  clock: Clock
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
  cancelTimer: () => void
  resolve(frame: Uint8Array): void
  reject(error: MillraceError): void
}

type State = { is: 'opening' } | { is: 'open' } | { is: 'closed'; error: MillraceError }

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
  #state: State = { is: 'opening' }
  #ranges: VersionRanges = new Map()
  #nextCorrelationId = 0
  /** True once it answered more than the handshake. */
  #hasServed = false

  private constructor(options: ConnectionOptions) {
    this.#options = options
    this.address = `${options.host}:${options.port}`
  }

  /** Connects, asks for the broker's API versions and authenticates. Rejects with UNREACHABLE, AUTHENTICATION_FAILED or PROTOCOL. */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options)
    const cancelTimer = options.clock.after(options.connectTimeoutMs, () =>
      connection.#fail(connection.#unreachable(`no connection within ${options.connectTimeoutMs} ms`)),
    )
    try {
      await connection.#connect()
      connection.#ranges = await negotiate(connection.#sendRaw)
      if (options.sasl) await authenticate(connection.#sendRaw, connection.#ranges, options.sasl, connection.address)
      const state = connection.#state
      if (state.is === 'closed') throw state.error
      connection.#state = { is: 'open' }
      return connection
    } catch (error) {
      connection.#fail(asMillraceError(error, 'PROTOCOL', `${connection.address}: `))
      throw asMillraceError(error, 'PROTOCOL', `${connection.address}: `)
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
    const range = this.#ranges.get(api.key)
    const [codecMin, codecMax] = api.request.versions
    const version = Math.min(atMost, codecMax, range?.max ?? -1)
    if (range && version >= Math.max(codecMin, range.min)) return version
    throw new MillraceError('PROTOCOL', `${this.address} does not serve ${api.name} in a version this client knows.`, {
      details: { api: api.name, brokerMin: range?.min ?? null, brokerMax: range?.max ?? null },
    })
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
    const state = this.#state
    if (state.is === 'closed') return Promise.reject(state.error)
    const correlationId = this.#nextCorrelationId
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff
    const frame = encodeRequestFrame(api, version, { correlationId, clientId: this.#options.clientId }, body)
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(timeoutMs, () => {
        this.#fail(new MillraceError('TIMED_OUT', `${this.address} did not answer ${api.name} within ${timeoutMs} ms.`))
      })
      this.#inFlight.push({ correlationId, cancelTimer, resolve, reject })
      this.#socket?.write(frame)
    })
  }

  #connect(): Promise<void> {
    const assembler = new FrameAssembler((frame) => this.#onFrame(frame))
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: this.#options.host,
        port: this.#options.port,
        noDelay: true,
        keepAlive: true,
        onread: {
          buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
          callback: (count, buffer) => {
            this.#onBytes(assembler, buffer.subarray(0, count))
            return true
          },
        },
      })
      this.#socket = socket
      this.#closeListeners.add(() => reject(this.#state.is === 'closed' ? this.#state.error : this.#unreachable('closed')))
      socket.once('connect', resolve)
      socket.on('error', (error) => this.#fail(this.#unreachable(error.message, error)))
      socket.once('end', () => this.#fail(this.#unreachable(this.#closedBecause())))
      socket.once('close', () => this.#fail(this.#unreachable(this.#closedBecause())))
    })
  }

  #closedBecause(): string {
    const isRefusal = !this.#options.sasl && !this.#hasServed
    const hint = ' before it answered anything (does it want TLS, or a user name and password?)'
    return `it closed the connection${isRefusal ? hint : ''}`
  }

  #onBytes(assembler: FrameAssembler, bytes: Uint8Array): void {
    try {
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
    this.#socket?.destroy()
    for (const entry of this.#inFlight.splice(0)) {
      entry.cancelTimer()
      entry.reject(error)
    }
    for (const listener of this.#closeListeners) listener()
    this.#closeListeners.clear()
  }
}
