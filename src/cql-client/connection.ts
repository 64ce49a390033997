import type { Socket } from 'node:net'
import { abortReason, asMillraceError, messageOf, MillraceError } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'
import {
  decodeResponse,
  encodeRequest,
  errors,
  frameHeaderBytes,
  maxFrameBytes,
  opcodes,
  readFrameHeader,
  type EventResponse,
  type FrameHeader,
  type Request,
  type Response,
} from '../cql-wire/index.ts'
import { serverError } from './errors.ts'
import type { ConnectionOptions } from './options.ts'
import { connectionFailure, openSocket, timedOut, unreachable } from './socket.ts'

export const protocolVersion = 4

/** From the first packet to the end of the handshake: after a fault of the network the next try should not be far. */
export const connectTimeoutMs = 5_000

/** First byte of a TLS record that ends a handshake (RFC 8446 §6); no CQL frame begins so. */
const tlsAlert = 0x15

/** Streams from here on belong to `request`; those below to whoever sends frames of his own. */
const firstRequestStream = 0x7000

/** What the owner of the streams below 0x7000 hears. */
export interface FrameListener {
  /** RESULT void for `stream`: by far the most frequent answer. */
  done(stream: number): void
  answer(stream: number, response: Response): void
  /** All whole frames that had arrived were given out. */
  drained(): void
}

interface Pending {
  resolve: (response: Response) => void
  reject: (error: Error) => void
  cancelTimer: () => void
}

/** One connection after its handshake (STARTUP, SASL PLAIN). It ends once, with `closed`, and is not opened again. */
export class CqlConnection {
  readonly address: Address
  /** Resolves, never rejects, with the reason when the connection has ended. */
  readonly closed: Promise<MillraceError>
  listener: FrameListener | null = null
  onEvent: ((event: EventResponse) => void) | null = null
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #pending = new Map<number, Pending>()
  #nextStream = firstRequestStream
  /** What has arrived of frames that are not whole; `#needed` bytes make the first one whole. */
  #chunks: Buffer[] = []
  #arrived = 0
  #needed = frameHeaderBytes
  #hasHeard = false
  #error: MillraceError | null = null
  #settleClosed: (error: MillraceError) => void = () => {}

  private constructor(socket: Socket, address: Address, options: ConnectionOptions) {
    this.#socket = socket
    this.address = address
    this.#options = options
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve))
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#end(connectionFailure(address, error, options, this.#cutBy(messageOf(error)))))
    socket.on('close', () => this.#end(unreachable(address, this.#cutBy('the server closed the connection'))))
  }

  /** Rejects with UNREACHABLE, TIMED_OUT, AUTHENTICATION_FAILED, PROTOCOL or the signal's reason. */
  static async open(address: Address, options: ConnectionOptions, signal?: AbortSignal): Promise<CqlConnection> {
    if (options.requestTimeoutMs <= connectTimeoutMs) return CqlConnection.#open(address, options, signal)
    const late = new AbortController()
    const cancelTimer = options.clock.after(connectTimeoutMs, () =>
      late.abort(timedOut(address, 'did not finish the handshake', connectTimeoutMs)),
    )
    try {
      return await CqlConnection.#open(address, options, signal ? AbortSignal.any([signal, late.signal]) : late.signal)
    } finally {
      cancelTimer()
    }
  }

  static async #open(address: Address, options: ConnectionOptions, signal?: AbortSignal): Promise<CqlConnection> {
    const socket = await openSocket(address, options, signal)
    const connection = new CqlConnection(socket, address, options)
    const onAbort = (): void => connection.#end(asMillraceError(abortReason(signal)))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await connection.#handshake()
      return connection
    } catch (error) {
      connection.close()
      throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Servers that speak TLS alone just cut a connection that does not begin with it; so do some that want a client certificate. */
  #cutBy(what: string): string {
    if (this.#hasHeard) return what
    const { tls } = this.#options
    const hint = tls ? '; if it wants a client certificate, set tls.cert and tls.key' : '; if it speaks TLS, set tls'
    return `${what} before it answered STARTUP${tls?.hasClientCertificate ? '' : hint}`
  }

  async #handshake(): Promise<void> {
    const options = new Map([
      ['CQL_VERSION', '3.0.0'],
      ['DRIVER_NAME', 'millrace'],
    ])
    const first = await this.request({ opcode: 'STARTUP', options })
    if (first.opcode === 'READY') return
    if (first.opcode === 'ERROR') throw serverError(first, `${formatAddress(this.address)} refused the connection: `)
    if (first.opcode !== 'AUTHENTICATE') throw this.#unexpected('STARTUP', first)
    const credentials = this.#options.credentials
    if (!credentials) {
      throw new MillraceError(
        'AUTHENTICATION_FAILED',
        `${formatAddress(this.address)} asks for a user name and password, but none are set.`,
      )
    }
    return this.#signIn(credentials, first.className)
  }

  /** SASL PLAIN (RFC 4616). DSE's authenticator wants to hear the mechanism first. */
  async #signIn({ username, password }: { username: string; password: string }, className: string): Promise<void> {
    const token = Buffer.from(`\0${username}\0${password}`, 'utf8')
    const namesMechanism = className.endsWith('.DseAuthenticator')
    let answer = await this.request({ opcode: 'AUTH_RESPONSE', token: namesMechanism ? Buffer.from('PLAIN') : token })
    if (namesMechanism && answer.opcode === 'AUTH_CHALLENGE') answer = await this.request({ opcode: 'AUTH_RESPONSE', token })
    const where = formatAddress(this.address)
    if (answer.opcode === 'AUTH_SUCCESS') return
    if (answer.opcode === 'ERROR') throw serverError(answer, `${where} refused user ${username}: `)
    if (answer.opcode !== 'AUTH_CHALLENGE') throw this.#unexpected('AUTH_RESPONSE', answer)
    throw new MillraceError('AUTHENTICATION_FAILED', `${where} wants more than a password (${className}).`)
  }

  #unexpected(to: string, response: Response): MillraceError {
    return new MillraceError('PROTOCOL', `${formatAddress(this.address)} answered ${to} with ${response.opcode}.`)
  }

  get isOpen(): boolean {
    return this.#error === null
  }

  /** One question, one answer (ERROR is an answer). Rejects when the connection ends first or no answer comes in time. */
  request(request: Request): Promise<Response> {
    if (this.#error) return Promise.reject(this.#error)
    const stream = this.#takeStream()
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(this.#options.requestTimeoutMs, () => {
        this.#end(timedOut(this.address, `did not answer ${request.opcode}`, this.#options.requestTimeoutMs))
      })
      this.#pending.set(stream, { resolve, reject, cancelTimer })
      this.#socket.write(encodeRequest(protocolVersion, stream, request))
    })
  }

  #takeStream(): number {
    do this.#nextStream = this.#nextStream === 0x7fff ? firstRequestStream : this.#nextStream + 1
    while (this.#pending.has(this.#nextStream))
    return this.#nextStream
  }

  /** Sends whole frames as they are; `flushed` is called when the buffer may be used again (also when the connection has ended). */
  send(frames: Uint8Array, flushed: () => void): void {
    this.#socket.write(frames, () => flushed())
  }

  /** Ends the connection; whoever waits on it hears of `reason`. */
  close(reason = new MillraceError('CLOSED', `The connection to ${formatAddress(this.address)} was closed.`)): void {
    this.#end(reason)
  }

  #end(error: MillraceError): void {
    if (this.#error) return
    this.#error = error
    this.#socket.destroy()
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const each of pending) {
      each.cancelTimer()
      each.reject(error)
    }
    this.#settleClosed(error)
  }

  #read(chunk: Buffer): void {
    if (!this.#hasHeard && this.#options.tls === null && chunk[0] === tlsAlert) return this.#speaksTls()
    this.#hasHeard = true
    this.#chunks.push(chunk)
    this.#arrived += chunk.length
    if (this.#arrived < this.#needed) return
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    let at = 0
    let header = readFrameHeader(bytes, at)
    while (header && this.#error === null) {
      if (header.length > maxFrameBytes || !header.isResponse) return this.#garbage('something that is no CQL response')
      const end = at + frameHeaderBytes + header.length
      if (end > bytes.length) break
      this.#dispatch(header, bytes, at + frameHeaderBytes, end)
      at = end
      header = readFrameHeader(bytes, at)
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : []
    this.#arrived = bytes.length - at
    this.#needed = frameHeaderBytes + (header?.length ?? 0)
    this.listener?.drained()
  }

  #dispatch(header: FrameHeader, bytes: Buffer, start: number, end: number): void {
    const { stream, opcode, flags } = header
    const isOwners = stream >= 0 && stream < firstRequestStream
    if (isOwners && opcode === opcodes.RESULT && flags === 0 && header.length === 4 && bytes[start + 3] === 1) {
      this.listener?.done(stream)
      return
    }
    const decoded = decodeResponse(header.version, opcode, bytes.subarray(start, end), flags)
    if (!decoded.ok) return this.#garbage(`a frame that cannot be read (${decoded.reason})`)
    const { response } = decoded
    if (isOwners) return this.listener?.answer(stream, response)
    if (response.opcode === 'EVENT') return this.onEvent?.(response)
    const pending = this.#pending.get(stream)
    // A PROTOCOL_ERROR for bytes that the server could not attribute comes on stream 0 or as it likes: the connection is lost then.
    if (!pending) return this.#garbage(response.opcode === 'ERROR' ? response.message : `an answer to no question (stream ${stream})`)
    this.#pending.delete(stream)
    pending.cancelTimer()
    pending.resolve(response)
  }

  #speaksTls(): void {
    const message = `Cassandra at ${formatAddress(this.address)}: this port speaks TLS. Set tls (with tls.ca for an authority of your own).`
    this.#end(
      new MillraceError('CONFIG_INVALID', message, { details: { host: this.address.host, port: this.address.port, tls: 'required' } }),
    )
  }

  #garbage(what: string): void {
    this.#end(new MillraceError('PROTOCOL', `${formatAddress(this.address)} sent ${what}.`))
  }
}

/** True for errors after which another contact point, or another node, is worth a try. */
export function mayTryElsewhere(error: unknown): boolean {
  return error instanceof MillraceError && (error.retriable || error.details.cqlCode === errors.PROTOCOL_ERROR || 'tls' in error.details)
}
