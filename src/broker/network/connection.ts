import type { Socket } from 'node:net'
import { decodeRequestHeader, errorCodes, WireError } from '../../kafka-wire/index.ts'
import { asMillraceError, type Logger } from '../../platform/index.ts'
import type { Answer, BrokerState, Handler, RequestContext } from '../requests/handler.ts'
import { handlers } from '../requests/index.ts'
import { refuseOldProduce } from '../requests/refuse-old-produce.ts'
import { refusing } from '../requests/refusing.ts'
import type { Accounts } from '../security/accounts.ts'
import { SaslSession } from '../security/sasl-session.ts'
import { FrameReader } from './frame-reader.ts'
import { describeRequest, type RequestInterceptor } from './interception.ts'
import { release } from './own-memory.ts'

export interface ConnectionOptions {
  readonly broker: BrokerState
  readonly log: Logger
  readonly advertised: { readonly host: string; readonly port: number }
  /** Who may come in; null: everybody. */
  readonly accounts: Accounts | null
  /** Decides about each request before it is carried out; null: none is looked at. */
  readonly intercept: RequestInterceptor | null
}

/** The place of one answer in the order of requests. */
interface Slot {
  answer: Answer | 'waiting'
  /** Its large parts are nobody else's. */
  fetched?: boolean
}

const fetchKey = 1
const produceKey = 0
const lastOldProduce = 2
const apiVersionsKey = 18
const saslHandshakeKey = 17
const saslAuthenticateKey = 36
const ofSasl: ReadonlySet<number> = new Set([saslHandshakeKey, saslAuthenticateKey])
/** Answer bytes the socket has not taken yet at which no further request is looked at. */
const maxUnsentBytes = 4 << 20
const maxStrangerBytes = 512 << 10
/** A smaller part is not worth a callback. */
const leastReleasedBytes = 4096

/**
 * One client: requests are started in their order and answered in it. While many answers wait, or the client does not take
 * them, its socket is not read. Bytes that are no request close this connection only.
 */
export class Connection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #frames: FrameReader
  readonly #sasl: SaslSession
  readonly #gone = new AbortController()
  readonly #maxFrameBytes: number
  readonly #maxWaiting: number
  readonly #clientHost: string
  #queue: Buffer[] = []
  #slots: Slot[] = []
  /** Bytes of answers that wait for their turn. */
  #unsentBytes = 0
  #fetching = false
  /** A request is held back: those behind it wait. */
  #isDelaying = false
  #ending = false
  /** Nothing more is read or answered. */
  #isRefused = false

  constructor(socket: Socket, options: ConnectionOptions) {
    const { config } = options.broker
    this.#socket = socket
    this.#options = options
    this.#maxFrameBytes = config.number('socket.request.max.bytes')
    this.#frames = new FrameReader(this.#maxFrameBytes)
    this.#sasl = new SaslSession({
      accounts: options.accounts,
      mechanisms: (config.text('sasl.enabled.mechanisms') ?? '').split(',').map((name) => name.trim()),
      maxReauthMs: config.number('connections.max.reauth.ms'),
      clock: options.broker.clock,
    })
    this.#maxWaiting = config.number('queued.max.requests')
    this.#clientHost = `/${socket.remoteAddress ?? ''}`
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('drain', () => this.#work())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#gone.abort())
    socket.setTimeout(config.number('connections.max.idle.ms'), () => {
      if (this.#slots.length === 0) socket.destroy()
    })
  }

  #received(chunk: Buffer): void {
    // The socket gives what has come already, also while it closes: taken for requests, a browser's form could hold some.
    if (this.#isRefused) return
    // As Kafka's sasl.server.max.receive.size: strangers cannot make us hold much.
    this.#frames.maxBytes = this.#sasl.isOpen ? this.#maxFrameBytes : Math.min(maxStrangerBytes, this.#maxFrameBytes)
    const wrong = this.#frames.push(chunk, this.#queue)
    this.#work()
    // Frames that wait are views on it; of those that were begun nothing is left in it (see `#lasting`).
    if (this.#queue.length === 0) release(chunk)
    if (wrong) this.#refuse(wrong)
  }

  /** Starts what may be started, and stops reading while something is left over. */
  #work(): void {
    let next = 0
    try {
      for (; next < this.#queue.length && this.#mayStart(this.#queue[next]); next++) {
        const frame = this.#queue[next]
        if (!frame) continue
        this.#start(this.#lasting(frame))
        release(frame)
      }
    } catch (error) {
      this.#refuse(error)
    }
    if (next > 0) this.#queue = this.#queue.slice(next)
    if (this.#queue.length > 0) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
    this.#flush()
  }

  #mayStart(frame: Buffer | undefined): boolean {
    if (this.#socket.destroyed || this.#ending || this.#isDelaying || this.#slots.length >= this.#maxWaiting) return false
    if (this.#socket.writableLength + this.#unsentBytes > maxUnsentBytes) return false
    // A second fetch behind a waiting one could only be answered after it.
    return !(this.#fetching && frame && frame.length >= 2 && frame.readInt16BE(0) === fetchKey)
  }

  /** What a request holds on to must not be a view on memory that is given back: only records are, which are in the file at once. */
  #lasting(frame: Buffer): Buffer {
    const isProduce = frame.length >= 4 && frame.readInt16BE(0) === produceKey && frame.readInt16BE(2) > lastOldProduce
    return isProduce && !this.#sasl.takesRawTokens ? frame : Buffer.from(frame)
  }

  #answer(slot: Slot, answer: Answer): void {
    slot.answer = answer
    for (const part of answer ?? []) this.#unsentBytes += part.length
  }

  #start(frame: Buffer): void {
    if (this.#sasl.takesRawTokens) return this.#rawToken(frame)
    const header = decodeRequestHeader(frame)
    if (!header.ok) throw new WireError(header.reason)
    const { apiKey, apiVersion, correlationId, body } = header
    if (!ofSasl.has(apiKey)) {
      if (!this.#sasl.isOpen && apiKey !== apiVersionsKey) throw new WireError('a request came before authentication')
      // KIP-368
      if (this.#sasl.hasEnded) throw new WireError('the session ended, and the client did not sign in again')
    }
    const slot: Slot = { answer: 'waiting', fetched: apiKey === fetchKey }
    this.#slots.push(slot)
    const found = handlers.get(apiKey)
    if (apiKey === produceKey && apiVersion >= 0 && apiVersion <= lastOldProduce) {
      return this.#answer(slot, refuseOldProduce(apiVersion, correlationId, body))
    }
    const known = found && (apiKey === apiVersionsKey || (apiVersion >= found.advertised[0] && apiVersion <= found.advertised[1]))
    if (!found || !known) throw new WireError(`request ${apiKey} in version ${apiVersion} is not one of ours`)
    const answer = this.#answerTo(found, correlationId, body, this.#context(apiVersion, header.clientId ?? ''))
    if (answer instanceof Promise) this.#later(slot, answer, apiKey)
    else this.#answer(slot, answer)
    // As Kafka: one try a connection.
    if (ofSasl.has(apiKey) && this.#sasl.isClosed) this.#ending = true
  }

  #answerTo(found: Handler, correlationId: number, body: Uint8Array, context: RequestContext): Answer | Promise<Answer> {
    const fate = this.#options.intercept?.(describeRequest(found, body, context)) ?? null
    if (fate === null) return found.answer(correlationId, body, context)
    if (fate.is === 'error') return refusing(found, errorCodes[fate.error]).answer(correlationId, body, context)
    if (fate.is === 'disconnect') {
      this.#socket.destroy()
      return null
    }
    this.#isDelaying = true
    // The frame's memory is given back when this returns.
    const kept = Buffer.from(body)
    return context.broker.clock.sleep(fate.delayMs, context.gone).then(() => {
      this.#isDelaying = false
      return found.answer(correlationId, kept, context)
    })
  }

  #context(apiVersion: number, clientId: string): RequestContext {
    const { broker, advertised } = this.#options
    return { broker, advertised, apiVersion, clientId, clientHost: this.#clientHost, sasl: this.#sasl, gone: this.#gone.signal }
  }

  #later(slot: Slot, answer: Promise<Answer>, apiKey: number): void {
    if (apiKey === fetchKey) this.#fetching = true
    answer
      .then((frames) => {
        this.#answer(slot, frames)
        if (apiKey === fetchKey) this.#fetching = false
        this.#work()
      })
      .catch((error: unknown) => this.#refuse(error))
  }

  /** SaslHandshake 0: tokens are bare frames, both ways; a wrong one closes the connection. */
  #rawToken(frame: Buffer): void {
    const step = this.#sasl.step(frame)
    if (step.is === 'refused') throw new WireError('authentication failed')
    const size = Buffer.alloc(4)
    size.writeInt32BE(step.token.length)
    this.#slots.push({ answer: [size, step.token] })
  }

  /** Sends the answers that are ready, up to the first that is not. */
  #flush(): void {
    let ready = 0
    while (ready < this.#slots.length && this.#slots[ready]?.answer !== 'waiting') ready++
    if (ready === 0 || this.#isRefused || this.#socket.destroyed) return
    const sent = this.#slots.splice(0, ready)
    this.#socket.cork()
    for (const { answer, fetched = false } of sent) {
      for (const part of answer === 'waiting' ? [] : (answer ?? [])) {
        this.#unsentBytes -= part.length
        if (fetched && part.length >= leastReleasedBytes) this.#socket.write(part, () => release(part))
        else this.#socket.write(part)
      }
    }
    this.#socket.uncork()
    if (this.#ending && this.#slots.length === 0) this.#socket.destroySoon()
    if (this.#queue.length > 0) this.#work()
  }

  #refuse(error: unknown): void {
    if (this.#isRefused || this.#socket.destroyed) return
    const reason = typeof error === 'string' ? error : error instanceof WireError ? error.message : null
    const from = { client: this.#clientHost }
    if (reason === null) this.#options.log.error('a request failed; its connection is closed', { ...from, error: asMillraceError(error) })
    else this.#options.log.info('closed a connection', { ...from, reason })
    // What was answered before is still sent.
    this.#queue = []
    this.#flush()
    this.#slots = []
    this.#isRefused = true
    this.#socket.destroySoon()
  }
}
