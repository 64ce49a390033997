import type { Clock } from '../../platform/index.ts'
import type { Accounts } from './accounts.ts'
import { ScramExchange, scramMechanisms, type ScramMechanism } from './scram.ts'

interface SaslOptions {
  /** Null: the listener demands no SASL. */
  readonly accounts: Accounts | null
  /** `sasl.enabled.mechanisms` */
  readonly mechanisms: readonly string[]
  /** `connections.max.reauth.ms`; 0: a session never ends (KIP-368). */
  readonly maxReauthMs: number
  readonly clock: Clock
}

type SaslStep = { readonly is: 'challenge' | 'done'; readonly token: Uint8Array } | { readonly is: 'refused'; readonly message: string }

type Mechanism = 'PLAIN' | ScramMechanism

interface Signed {
  readonly mechanism: Mechanism
  readonly username: string
  readonly endsMs: number
}

type State =
  | { readonly is: 'closed' }
  | { readonly is: 'exchanging'; readonly mechanism: Mechanism; readonly scram: ScramExchange | null; readonly raw: boolean }
  | { readonly is: 'open' }

const noToken = new Uint8Array(0)

/** How far a connection has got with SASL; open from the start on listeners without it. */
export class SaslSession {
  readonly #options: SaslOptions
  #state: State
  /** Who signed in; kept while it does so again (KIP-368). */
  #signed: Signed | null = null

  constructor(options: SaslOptions) {
    this.#options = options
    this.#state = { is: options.accounts ? 'closed' : 'open' }
  }

  /** Whether requests other than those of SASL are taken. */
  get isOpen(): boolean {
    return this.#state.is === 'open'
  }
  /** Nobody signed in, and nobody is about to. */
  get isClosed(): boolean {
    return this.#state.is === 'closed'
  }
  /** After a SaslHandshake of version 0 tokens come as bare frames. */
  get takesRawTokens(): boolean {
    return this.#state.is === 'exchanging' && this.#state.raw
  }
  get mechanisms(): readonly string[] {
    return this.#options.mechanisms
  }
  /** Whether its time is over: it must sign in again before it asks for anything else (KIP-368). */
  get hasEnded(): boolean {
    return this.isOpen && this.#signed !== null && this.#options.clock.monotonicMs() > this.#signed.endsMs
  }
  /** How long the session lasts; 0 for ever. */
  get lifetimeMs(): number {
    return this.#options.maxReauthMs
  }
  /** Whether a handshake may come now: once, unless sessions end. */
  get mayBegin(): boolean {
    return this.#state.is === 'closed' || (this.#signed !== null && this.isOpen && this.#options.maxReauthMs > 0)
  }

  /** False when there is no such mechanism. */
  begin(name: string, raw: boolean): boolean {
    const { accounts, mechanisms } = this.#options
    const known: readonly Mechanism[] = ['PLAIN', ...scramMechanisms]
    const mechanism = mechanisms.includes(name) ? known.find((each) => each === name) : undefined
    if (!mechanism || !accounts) return false
    const scram = mechanism === 'PLAIN' ? null : new ScramExchange(mechanism, (username) => accounts.scram(mechanism, username))
    this.#state = { is: 'exchanging', mechanism, scram, raw }
    return true
  }

  step(token: Uint8Array): SaslStep {
    if (this.#state.is === 'open') return { is: 'refused', message: 'SaslAuthenticate request received after successful authentication' }
    if (this.#state.is === 'closed') return { is: 'refused', message: 'SaslHandshake comes first.' }
    const { mechanism, scram } = this.#state
    if (!scram) {
      const username = this.#plainUser(token)
      return username === null
        ? this.#refuse('Authentication failed: Invalid username or password')
        : this.#open(mechanism, username, noToken)
    }
    const step = scram.step(token)
    if (step.is === 'challenge') return step
    if (step.is === 'done') return this.#open(mechanism, step.username, step.token)
    return this.#refuse(`Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`)
  }

  /** The user of a PLAIN token (RFC 4616: authorization id, user name, password, separated by NUL), null when it does not fit. */
  #plainUser(token: Uint8Array): string | null {
    const [authorizationId = '', username = '', password = '', ...more] = Buffer.from(token).toString('utf8').split('\0')
    const fits = this.#options.accounts?.hasPassword(username, password) ?? false
    return fits && more.length === 0 && (authorizationId === '' || authorizationId === username) ? username : null
  }

  #open(mechanism: Mechanism, username: string, token: Uint8Array): SaslStep {
    const before = this.#signed
    // KIP-368: a connection stays its user's.
    if (before && (before.username !== username || before.mechanism !== mechanism))
      return this.#refuse('Cannot change principals or mechanisms during re-authentication')
    const { maxReauthMs, clock } = this.#options
    this.#signed = { mechanism, username, endsMs: maxReauthMs > 0 ? clock.monotonicMs() + maxReauthMs : Infinity }
    this.#state = { is: 'open' }
    return { is: 'done', token }
  }

  #refuse(message: string): SaslStep {
    this.#state = { is: 'closed' }
    return { is: 'refused', message }
  }
}
