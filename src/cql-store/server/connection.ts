import { timingSafeEqual, createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  ByteWriter,
  decodeRequest,
  errors,
  frameFlags,
  frameHeaderBytes,
  opcodes,
  writeResponse,
  type FrameHeader,
  type Request,
  type Response,
} from '../../cql-wire/index.ts'
import { asMillraceError, MillraceError, type Logger } from '../../platform/index.ts'
import { CqlRefusal, unsupported } from '../refusal.ts'
import { cqlVersion } from '../system/index.ts'
import { FrameReader } from './frame-reader.ts'
import { refusalOf, type AnsweringWaiter, type Executor, type Session } from './executor.ts'

const lowestVersion = 3
const highestVersion = 4
/** Frames are refused beyond this. */
export const maxRequestBytes = 16 * 1024 * 1024
/** No more requests are read while this many bytes of answers wait for a slow reader. */
const maxUnsentBytes = 4 * 1024 * 1024

export interface Credentials {
  username: string
  password: string
}

/** Kind of a RESULT without anything (spec v4 §4.2.5.1). */
const voidResult = 1

type State = { is: 'new' } | { is: 'authenticating' } | { is: 'ready' } | { is: 'closed' }

/** One client: reads frames, answers them (in any order), keeps to the reader's pace. */
export class Connection implements Session {
  readonly #socket: Socket
  readonly #executor: Executor
  readonly #credentials: Credentials | null
  readonly #log: Logger
  readonly #frames = new FrameReader(maxRequestBytes)
  #out = new ByteWriter(4096)
  #flushScheduled = false
  #state: State = { is: 'new' }
  #version = highestVersion
  #paused = false
  keyspace: string | null = null
  /** Event types this client asked for. */
  readonly events = new Set<string>()

  constructor(socket: Socket, executor: Executor, credentials: Credentials | null, log: Logger) {
    this.#socket = socket
    this.#executor = executor
    this.#credentials = credentials
    this.#log = log
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#log.debug('connection ended', { error }))
    socket.on('close', () => {
      this.#state = { is: 'closed' }
    })
    socket.on('drain', () => this.#goOn())
  }

  /** Sends an event to a client that registered for it. */
  send(response: Response): void {
    this.#respond(this.#version, -1, response)
  }

  #receive(chunk: Buffer): void {
    this.#frames.push(chunk)
    this.#work()
  }

  #work(): void {
    while (this.#state.is !== 'closed' && !this.#paused) {
      const next = this.#frames.next()
      if (next.is === 'wait') return
      if (next.is === 'too-long')
        return this.#abandon(
          next.header,
          `Request is too big: length ${next.header.length} exceeds maximum allowed length ${maxRequestBytes}.`,
        )
      const { header } = next
      if (header.isResponse || header.version < lowestVersion || header.version > highestVersion) {
        return this.#abandon(
          header,
          `Invalid or unsupported protocol version (${header.version}); the lowest supported version is ${lowestVersion} and the greatest is ${highestVersion}`,
        )
      }
      this.#version = header.version
      this.#handle(header, next.body)
      this.#holdBack()
    }
  }

  /** Back-pressure: of a client that does not read, and of a store that is behind (P6). */
  #holdBack(): void {
    if (this.#executor.engine.congested) {
      this.#pause()
      this.#executor.engine.relief(() => this.#goOn())
    } else if (this.#socket.writableLength > maxUnsentBytes) this.#pause()
  }

  #pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  #goOn(): void {
    if (!this.#paused || this.#state.is === 'closed') return
    this.#paused = false
    this.#socket.resume()
    this.#work()
  }

  /** The bytes are no protocol, or none that can be spoken: say so in the highest known version and hang up. */
  #abandon(header: FrameHeader, message: string): void {
    this.#respond(highestVersion, header.stream, { opcode: 'ERROR', code: errors.PROTOCOL_ERROR, message })
    this.#flush()
    this.#state = { is: 'closed' }
    this.#socket.end()
  }

  #handle(header: FrameHeader, body: Uint8Array): void {
    const { version, stream } = header
    const decoded = decodeRequest(version, header.opcode, body, header.flags)
    if (!decoded.ok) return this.#respond(version, stream, { opcode: 'ERROR', code: errors.PROTOCOL_ERROR, message: decoded.reason })
    try {
      if (header.flags & frameFlags.TRACING) throw unsupported('tracing')
      const answer = this.#answer(decoded.request, version, stream)
      if (answer instanceof Promise) {
        answer.then(
          (response) => this.#respond(version, stream, response),
          (error: unknown) => this.#refuse(version, stream, error),
        )
      } else if (answer) this.#respond(version, stream, answer)
    } catch (error) {
      this.#refuse(version, stream, error)
    }
  }

  #answer(request: Request, version: number, stream: number): Response | Promise<Response> | null {
    if (request.opcode === 'OPTIONS')
      return {
        opcode: 'SUPPORTED',
        options: new Map([
          ['CQL_VERSION', [cqlVersion]],
          ['COMPRESSION', []],
          ['PROTOCOL_VERSIONS', ['3/v3', '4/v4']],
        ]),
      }
    if (request.opcode === 'STARTUP') {
      if (this.#state.is === 'ready')
        throw new CqlRefusal(errors.PROTOCOL_ERROR, 'Unexpected message STARTUP, expecting anything but STARTUP or OPTIONS')
      return this.#startup(request.options)
    }
    if (request.opcode === 'AUTH_RESPONSE') return this.#authenticate(request.token)
    if (this.#state.is !== 'ready')
      throw new CqlRefusal(
        errors.PROTOCOL_ERROR,
        `Unexpected message ${request.opcode}, expecting ${this.#state.is === 'new' ? 'STARTUP or OPTIONS' : 'AUTH_RESPONSE'}`,
      )
    switch (request.opcode) {
      case 'REGISTER':
        for (const event of request.events) {
          if (!['TOPOLOGY_CHANGE', 'STATUS_CHANGE', 'SCHEMA_CHANGE'].includes(event))
            throw new CqlRefusal(errors.PROTOCOL_ERROR, `Invalid value '${event}' for Type`)
          this.events.add(event)
        }
        return { opcode: 'READY' }
      case 'QUERY': {
        const compiled = this.#executor.statements.compile(request.query, this.keyspace)
        return this.#executor.run(compiled, request.parameters, this, this.#waiter(version, stream))
      }
      case 'PREPARE': {
        const { id, bound, pkIndexes, columns } = this.#executor.statements.prepare(request.query, this.keyspace)
        return { opcode: 'RESULT', kind: 'prepared', id, bound: [...bound], pkIndexes: [...pkIndexes], columns: [...columns] }
      }
      case 'EXECUTE': {
        const { compiled } = this.#executor.preparedOf(request.preparedId)
        return this.#executor.run(compiled, request.parameters, this, this.#waiter(version, stream))
      }
      case 'BATCH':
        return this.#executor.runBatch(request, this, this.#waiter(version, stream))
    }
  }

  #waiter(version: number, stream: number): AnsweringWaiter {
    return {
      committed: () => this.#respondVoid(version, stream),
      refused: (error) => this.#refuse(version, stream, error),
      answer: (response) => this.#respond(version, stream, response),
    }
  }

  #startup(options: ReadonlyMap<string, string>): Response {
    if (!options.get('CQL_VERSION')?.startsWith('3.'))
      throw new CqlRefusal(errors.PROTOCOL_ERROR, 'Missing value CQL_VERSION in STARTUP message, or one that is no 3.x')
    const compression = options.get('COMPRESSION')
    if (compression) throw new CqlRefusal(errors.PROTOCOL_ERROR, `Unknown compression algorithm: ${compression}`)
    if (this.#credentials) {
      this.#state = { is: 'authenticating' }
      return { opcode: 'AUTHENTICATE', className: 'org.apache.cassandra.auth.PasswordAuthenticator' }
    }
    this.#state = { is: 'ready' }
    return { opcode: 'READY' }
  }

  /** SASL PLAIN: `[authorisation] 00 user 00 password`, compared in constant time. */
  #authenticate(token: Uint8Array | null): Response {
    if (this.#state.is !== 'authenticating' || !this.#credentials)
      throw new CqlRefusal(errors.PROTOCOL_ERROR, 'Unexpected message AUTH_RESPONSE')
    const [, username = '', password = ''] = Buffer.from(token ?? [])
      .toString('utf8')
      .split('\0')
    const userMatches = isSame(username, this.#credentials.username)
    if (!isSame(password, this.#credentials.password) || !userMatches) {
      throw new CqlRefusal(errors.BAD_CREDENTIALS, `Provided username ${username} and/or password are incorrect`)
    }
    this.#state = { is: 'ready' }
    return { opcode: 'AUTH_SUCCESS', token: null }
  }

  #refuse(version: number, stream: number, error: unknown): void {
    if (error instanceof CqlRefusal) return this.#respond(version, stream, error.response)
    const known = error instanceof MillraceError
    if (!known) this.#log.error('a request failed', { error })
    this.#respond(version, stream, refusalOf(asMillraceError(error)).response)
  }

  #respond(version: number, stream: number, response: Response): void {
    if (this.#state.is === 'closed') return
    writeResponse(this.#out, version, stream, response)
    this.#scheduleFlush()
  }

  /** Most answers are this one: written without taking the long way. */
  #respondVoid(version: number, stream: number): void {
    if (this.#state.is === 'closed') return
    const out = this.#out
    const at = out.ensure(frameHeaderBytes + 4)
    const { bytes } = out
    bytes[at] = 0x80 | version
    bytes[at + 1] = 0
    bytes[at + 2] = stream >> 8
    bytes[at + 3] = stream
    bytes[at + 4] = opcodes.RESULT
    bytes.writeUInt32BE(4, at + 5)
    bytes.writeUInt32BE(voidResult, at + 9)
    out.at = at + frameHeaderBytes + 4
    this.#scheduleFlush()
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    queueMicrotask(() => this.#flush())
  }

  /** All answers of this turn in one write. */
  #flush(): void {
    this.#flushScheduled = false
    if (this.#out.at === 0 || this.#socket.destroyed) return
    const { bytes, at } = this.#out
    this.#out = new ByteWriter(4096)
    this.#socket.write(bytes.subarray(0, at))
  }
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
