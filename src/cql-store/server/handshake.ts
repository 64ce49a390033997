import { errors, frameCompressions, type FrameCompression, type Request, type Response } from '../../cql-wire/index.ts'
import { CqlRefusal } from '../refusal.ts'
import { cqlVersion } from '../system/index.ts'
import type { PasswordAuthenticator } from './authenticator.ts'

type State = { is: 'new' } | { is: 'authenticating'; failures: number } | { is: 'ready' }

/** Wrong passwords on one connection; guesses cost a new one then. */
const maxFailures = 3

const outOfTurn = (message: string): CqlRefusal => new CqlRefusal(errors.PROTOCOL_ERROR, message)

/** From OPTIONS to READY or AUTH_SUCCESS (spec v4 §4.1.1, §4.1.2). */
export class Handshake {
  readonly #authenticator: PasswordAuthenticator | null
  #state: State = { is: 'new' }
  compression: FrameCompression | null = null

  constructor(authenticator: PasswordAuthenticator | null) {
    this.#authenticator = authenticator
  }

  get isReady(): boolean {
    return this.#state.is === 'ready'
  }

  /**
   * The answer to what belongs to the handshake; null for other requests, once it is over.
   * @throws CqlRefusal PROTOCOL_ERROR for what is out of turn, BAD_CREDENTIALS
   */
  answer(request: Request): Response | null {
    switch (request.opcode) {
      case 'OPTIONS':
        return { opcode: 'SUPPORTED', options: supported }
      case 'STARTUP':
        if (this.#state.is === 'ready') throw outOfTurn('Unexpected message STARTUP, expecting anything but STARTUP or OPTIONS')
        // Guesses are counted over the whole connection.
        if (this.#state.is === 'authenticating') throw outOfTurn('Unexpected message STARTUP, expecting AUTH_RESPONSE')
        return this.#startup(request.options)
      case 'AUTH_RESPONSE':
        return this.#authenticate(request.token)
      default:
        if (this.#state.is === 'ready') return null
        throw outOfTurn(
          `Unexpected message ${request.opcode}, expecting ${this.#state.is === 'new' ? 'STARTUP or OPTIONS' : 'AUTH_RESPONSE'}`,
        )
    }
  }

  #startup(options: ReadonlyMap<string, string>): Response {
    if (!options.get('CQL_VERSION')?.startsWith('3.'))
      throw outOfTurn('Missing value CQL_VERSION in STARTUP message, or one that is no 3.x')
    const wanted = options.get('COMPRESSION')?.toLowerCase() ?? ''
    const compression = frameCompressions.find((name) => name === wanted) ?? null
    if (wanted !== '' && !compression) throw outOfTurn(`Unknown compression algorithm: ${wanted}`)
    this.compression = compression
    if (this.#authenticator) {
      this.#state = { is: 'authenticating', failures: 0 }
      return { opcode: 'AUTHENTICATE', className: this.#authenticator.className }
    }
    this.#state = { is: 'ready' }
    return { opcode: 'READY' }
  }

  #authenticate(token: Uint8Array | null): Response {
    if (this.#state.is !== 'authenticating' || !this.#authenticator) throw outOfTurn('Unexpected message AUTH_RESPONSE')
    if (this.#state.failures >= maxFailures) throw outOfTurn('Too many wrong passwords on this connection')
    try {
      this.#authenticator.check(token)
    } catch (error) {
      this.#state.failures++
      throw error
    }
    this.#state = { is: 'ready' }
    return { opcode: 'AUTH_SUCCESS', token: null }
  }
}

const supported = new Map([
  ['CQL_VERSION', [cqlVersion]],
  ['COMPRESSION', [...frameCompressions]],
  ['PROTOCOL_VERSIONS', ['3/v3', '4/v4']],
])
