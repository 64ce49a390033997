import type { Socket } from 'node:net'
import { decodeRequest, decompressBody, errors, frameFlags, type FrameHeader, type Request, type Response } from '../../cql-wire/index.ts'
import { asMillraceError, MillraceError, type Clock, type Logger } from '../../platform/index.ts'
import { CqlRefusal } from '../refusal.ts'
import type { TraceLog } from '../system/index.ts'
import { FrameReader } from './frame-reader.ts'
import type { Answer, AnsweringWaiter } from './answer.ts'
import { refusalOf, type Executor } from './executor.ts'
import { Handshake } from './handshake.ts'
import { describeStatement, injectedError, type StatementInterceptor } from './interception.ts'
import type { InboundBudget, Limits } from './limits.ts'
import { Outbox } from './outbox.ts'
import type { PasswordAuthenticator } from './authenticator.ts'
import { answerTo, type Client } from './requests.ts'
import { ActiveTrace } from './tracing.ts'

const versions = { lowest: 3, highest: 4 }
/** Frames are refused beyond this, as Cassandra does (`native_transport_max_frame_size`). */
export const maxRequestBytes = 16 * 1024 * 1024
/** The same for a client that has not signed in: it has nothing long to say. */
const maxHandshakeBytes = 64 * 1024

/** What all connections share. */
export interface ConnectionParts {
  readonly executor: Executor
  readonly authenticator: PasswordAuthenticator | null
  readonly traces: TraceLog
  readonly budget: InboundBudget
  readonly limits: Limits
  /** Decides about each request before it is carried out; null: none is looked at. */
  readonly intercept: StatementInterceptor | null
  readonly clock: Clock
  readonly log: Logger
}

/** Where an answer goes. */
interface Reply {
  readonly version: number
  readonly stream: number
  readonly trace: ActiveTrace | null
}

/** One client: reads frames, answers them (in any order), keeps to the reader's pace. */
export class Connection implements Client {
  readonly #socket: Socket
  readonly #parts: ConnectionParts
  readonly #handshake: Handshake
  readonly #frames = new FrameReader(maxHandshakeBytes, versions)
  readonly #outbox: Outbox
  #isClosed = false
  #version = versions.highest
  #isPaused = false
  #concurrent = 0
  /** Taken of the shared memory for the frame that is on its way. */
  #takenBytes = 0
  readonly #openedAtMs: number
  #partialSinceMs: number | null = null
  #unread: { sinceMs: number; bytesWritten: number } | null = null
  keyspace: string | null = null
  readonly events = new Set<string>()

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket
    this.#parts = parts
    this.#outbox = new Outbox(socket, parts.log)
    this.#handshake = new Handshake(parts.authenticator)
    this.#openedAtMs = parts.clock.monotonicMs()
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => parts.log.debug('connection ended', { error }))
    socket.on('close', () => this.#closed())
    socket.on('drain', () => this.#goOn())
  }

  /** Sends an event to a client that registered for it. */
  send(response: Response): void {
    if (!this.#isClosed) this.#outbox.respond(this.#version, -1, response)
  }

  /** Hangs up on a client that holds on to something without going on; asked now and then. */
  hangUpIfStalled(nowMs: number): void {
    const { handshakeMs, stalledMs } = this.#parts.limits
    const isLate = !this.#handshake.isReady && nowMs - this.#openedAtMs > handshakeMs
    const isSlow = this.#partialSinceMs !== null && nowMs - this.#partialSinceMs > stalledMs
    if (!isLate && !isSlow && !this.#isUnread(nowMs, stalledMs)) return
    const why = isLate ? 'it did not sign in' : isSlow ? 'its frame did not come' : 'it does not read its answers'
    this.#parts.log.warn('hung up on a client', { why })
    this.#socket.destroy()
  }

  #isUnread(nowMs: number, stalledMs: number): boolean {
    const bytesWritten = this.#socket.bytesWritten - this.#socket.writableLength
    if (!this.#outbox.isBehind) this.#unread = null
    else if (this.#unread?.bytesWritten !== bytesWritten) this.#unread = { sinceMs: nowMs, bytesWritten }
    return this.#unread !== null && nowMs - this.#unread.sinceMs > stalledMs
  }

  #closed(): void {
    this.#isClosed = true
    this.#frames.clear()
    this.#giveBack()
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosed) return
    this.#frames.push(chunk)
    this.#work()
  }

  #work(): void {
    while (!this.#isClosed && !this.#isPaused) {
      const next = this.#frames.next()
      if (next.is === 'wait') return this.#waitForRest()
      this.#giveBack()
      this.#partialSinceMs = null
      if (next.is === 'foreign') return this.#refuseVersion(next.version)
      if (next.is === 'too-long') return this.#refuseLength(next.header)
      this.#version = next.header.version
      this.#handle(next.header, next.body)
      if (this.#handshake.isReady) this.#frames.maxBytes = maxRequestBytes
      this.#holdBack()
    }
  }

  /** A frame is on its way: its memory is taken before it comes. */
  #waitForRest(): void {
    const { heldBytes, missingBytes } = this.#frames.partial
    if (missingBytes === 0) return
    this.#partialSinceMs ??= this.#parts.clock.monotonicMs()
    if (this.#takenBytes > 0) return
    const taken = this.#parts.budget.take(heldBytes + missingBytes)
    if (taken !== null) {
      this.#takenBytes = taken
      return
    }
    this.#pause()
    this.#partialSinceMs = null
    this.#parts.budget.wait(() => this.#goOn())
  }

  #giveBack(): void {
    const bytes = this.#takenBytes
    this.#takenBytes = 0
    this.#parts.budget.giveBack(bytes)
  }

  /** Back-pressure: of a client that does not read or asks for much at once, and of a store that is behind (P6). */
  #holdBack(): void {
    const { engine } = this.#parts.executor
    if (engine.congested) {
      this.#pause()
      engine.relief(() => this.#goOn())
    } else if (this.#outbox.isBehind || this.#concurrent >= this.#parts.limits.maxConcurrent) this.#pause()
  }

  #pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  #goOn(): void {
    if (!this.#isPaused || this.#isClosed) return
    this.#isPaused = false
    this.#socket.resume()
    this.#work()
  }

  /**
   * Drivers go on in a lower version by the code, the first words and the last number (spec v4 §2.1). On stream 0, as the Cassandra whose
   * highest version was 4 too (3.11): gocql takes it for a refusal of the version there alone.
   */
  #refuseVersion(version: number): void {
    const { lowest, highest } = versions
    const told = `Invalid or unsupported protocol version (${version}); the lowest supported version is ${lowest} and the greatest is ${highest}`
    this.#abandon(0, told)
  }

  #refuseLength({ stream, length }: FrameHeader): void {
    this.#abandon(stream, `Request is too big: length ${length} exceeds maximum allowed length ${this.#frames.maxBytes}.`)
  }

  /** The bytes are no protocol, or none that can be spoken: say so in the highest known version and hang up. */
  #abandon(stream: number, message: string): void {
    this.#outbox.compression = null
    this.#outbox.respond(versions.highest, stream, { opcode: 'ERROR', code: errors.PROTOCOL_ERROR, message })
    this.#outbox.flush()
    this.#isClosed = true
    this.#frames.clear()
    this.#socket.end()
    // What it goes on sending is not kept.
    this.#socket.resume()
  }

  #handle(header: FrameHeader, packed: Uint8Array): void {
    const { version, stream, opcode } = header
    const reply: Reply = { version, stream, trace: null }
    const body = this.#unpacked(header, packed)
    if (!body.ok) return this.#respond(reply, protocolError(body.reason))
    const decoded = decodeRequest(version, opcode, body.body, header.flags & ~frameFlags.COMPRESSED)
    if (!decoded.ok) return this.#respond(reply, protocolError(decoded.reason))
    const { request } = decoded
    const isTraced = (header.flags & frameFlags.TRACING) !== 0 && this.#handshake.isReady && request.opcode !== 'OPTIONS'
    this.#carryOut(request, isTraced ? { ...reply, trace: this.#trace(request) } : reply)
  }

  #unpacked({ flags }: FrameHeader, body: Uint8Array): ReturnType<typeof decompressBody> {
    if ((flags & frameFlags.COMPRESSED) === 0) return { ok: true, body }
    const { compression } = this.#handshake
    if (!compression) return { ok: false, reason: 'Compressed frame received, but no compression was agreed in STARTUP' }
    return decompressBody(compression, body, maxRequestBytes)
  }

  #trace(request: Request): ActiveTrace {
    const { traces, clock } = this.#parts
    return new ActiveTrace(traces, clock, request, this.#socket.remoteAddress ?? '127.0.0.1')
  }

  #carryOut(request: Request, reply: Reply): void {
    const { intercept, executor } = this.#parts
    const fate = intercept && this.#handshake.isReady ? intercept(describeStatement(request, executor)) : null
    if (fate === null) return this.#answer(request, reply)
    if (fate.is === 'error') return this.#respond(reply, injectedError(request, fate.error))
    if (fate.is === 'disconnect') this.#socket.destroy()
    else this.#parts.clock.after(fate.delayMs, () => this.#isClosed || this.#answer(request, reply))
  }

  #answer(request: Request, reply: Reply): void {
    try {
      const shaken = this.#handshake.answer(request)
      const answer = shaken ?? answerTo(request, this.#parts.executor, this, () => this.#waiter(reply))
      if (answer instanceof Promise) this.#whenSettled(answer, reply)
      else if (answer) this.#respond(reply, answer)
      // READY itself goes as it is: what was agreed holds from the next frame on.
      this.#outbox.compression = this.#handshake.compression
    } catch (error) {
      this.#refuse(reply, error)
    }
  }

  #whenSettled(answer: Promise<Answer>, reply: Reply): void {
    this.#concurrent++
    const settle = (act: () => void): void => {
      this.#concurrent--
      act()
      if (!this.#outbox.isBehind) this.#goOn()
    }
    answer.then(
      (response) => settle(() => this.#respond(reply, response)),
      (error: unknown) => settle(() => this.#refuse(reply, error)),
    )
  }

  #waiter(reply: Reply): AnsweringWaiter {
    const { version, stream, trace } = reply
    return {
      committed: () => {
        if (trace) this.#respond(reply, { opcode: 'RESULT', kind: 'void' })
        else if (!this.#isClosed) this.#outbox.respondVoid(version, stream)
      },
      refused: (error) => this.#refuse(reply, error),
      answer: (response) => this.#respond(reply, response),
    }
  }

  #refuse(reply: Reply, error: unknown): void {
    if (error instanceof CqlRefusal) return this.#respond(reply, error.response)
    if (!(error instanceof MillraceError)) this.#parts.log.error('a request failed', { error })
    this.#respond(reply, refusalOf(asMillraceError(error)).response)
  }

  #respond({ version, stream, trace }: Reply, response: Answer): void {
    if (this.#isClosed) return
    trace?.answered(response)
    const { warnings } = response
    this.#outbox.respond(version, stream, response, { ...(trace ? { tracingId: trace.id } : {}), ...(warnings ? { warnings } : {}) })
  }
}

function protocolError(message: string): Response {
  return { opcode: 'ERROR', code: errors.PROTOCOL_ERROR, message }
}
