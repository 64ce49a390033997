import { decodeResponse, errorCodes, errorName, saslAuthenticate, saslHandshake } from '../kafka-wire/index.ts'
import { type Clock, MillraceError } from '../platform/index.ts'
import type { SendRaw } from './connection.ts'
import type { VersionRanges } from './handshake.ts'
import { oauthExchange } from './oauthbearer.ts'
import { scramExchange } from './scram.ts'
import type { SaslOptions } from './security.ts'

/** What follows from one answer of the broker's. */
export type SaslStep =
  /** `refusal`: the broker has said no; this token only lets it end the exchange. */
  { is: 'token'; token: Uint8Array; refusal?: string } | { is: 'done' } | { is: 'failed'; reason: string }

/** The client's side of one authentication. Secrets live in its closures, where no log or error finds them (P8). */
export interface SaslExchange {
  readonly first: Uint8Array
  step(challenge: Uint8Array): Promise<SaslStep>
  /** When what it authenticates with ends by itself. */
  readonly expiresAtMs?: number
}

export interface SaslMechanism {
  readonly name: SaslOptions['mechanism']
  /** Whose name it is, where the client knows it. */
  readonly username: string | null
  /** True when who reads the traffic could log in with what it saw. */
  readonly tellsSecret: boolean
  /** A new exchange. Rejects AUTHENTICATION_FAILED when the token function has none. */
  begin(): Promise<SaslExchange>
}

/** How long the broker takes requests before it wants another authentication (KIP-368); null: for ever. */
export interface SaslSession {
  lifetimeMs: number | null
}

/** @throws MillraceError CONFIG_INVALID for what cannot be sent */
export function resolveSasl(options: SaslOptions, clock: Pick<Clock, 'nowMs'>): SaslMechanism {
  if (options.mechanism === 'OAUTHBEARER') {
    const { token } = options
    return { name: 'OAUTHBEARER', username: null, tellsSecret: true, begin: () => oauthExchange(token, () => clock.nowMs()) }
  }
  const { mechanism, username, password } = options
  for (const [name, text] of Object.entries({ username, password })) {
    if (text === '' || text.includes('\0'))
      throw new MillraceError('CONFIG_INVALID', `The ${name} for SASL ${mechanism} is empty or holds a NUL character.`)
  }
  if (mechanism === 'PLAIN') return { name: mechanism, username, tellsSecret: true, begin: async () => plainExchange(username, password) }
  return { name: mechanism, username, tellsSecret: false, begin: async () => scramExchange(mechanism, { username, password }) }
}

/** RFC 4616. */
function plainExchange(username: string, password: string): SaslExchange {
  return { first: Buffer.from(`\0${username}\0${password}`), step: async () => ({ is: 'done' }) }
}

/** One authentication in Kafka's frames (KIP-152). Rejects AUTHENTICATION_FAILED. @param queuedMs how long earlier answers may take */
export async function authenticate(
  send: SendRaw,
  ranges: VersionRanges,
  mechanism: SaslMechanism,
  exchange: SaslExchange,
  at: { address: string; timeoutMs: number; queuedMs?: number },
): Promise<SaslSession> {
  await shakeHands(send, ranges, mechanism, at.address, at.timeoutMs + (at.queuedMs ?? 0))
  const version = Math.min(ranges.get(saslAuthenticate.key)?.max ?? 0, 2)
  let refusal: string | null = null
  for (let authBytes = exchange.first; ;) {
    const frame = await send(saslAuthenticate, version, { authBytes }, at.timeoutMs)
    const answer = decodeResponse(saslAuthenticate, version, frame).body
    if (answer.errorCode !== errorCodes.NONE) throw refused(mechanism, at.address, answer.errorCode, refusal)
    const step = await exchange.step(answer.authBytes)
    if (step.is === 'done') return { lifetimeMs: answer.sessionLifetimeMs > 0n ? Number(answer.sessionLifetimeMs) : null }
    if (step.is === 'failed')
      throw new MillraceError('AUTHENTICATION_FAILED', `${mechanism.name} with ${at.address} was broken off: ${step.reason}.`)
    refusal = step.refusal ?? null
    authBytes = step.token
  }
}

async function shakeHands(
  send: SendRaw,
  ranges: VersionRanges,
  { name }: SaslMechanism,
  address: string,
  timeoutMs: number,
): Promise<void> {
  if (!ranges.has(saslHandshake.key)) throw new MillraceError('AUTHENTICATION_FAILED', `${address} does not speak SASL.`)
  const { errorCode, mechanisms } = decodeResponse(saslHandshake, 1, await send(saslHandshake, 1, { mechanism: name }, timeoutMs)).body
  if (errorCode === errorCodes.NONE) return
  const details = { errorCode, errorName: errorName(errorCode) }
  if (errorCode === errorCodes.ILLEGAL_SASL_STATE)
    throw new MillraceError('AUTHENTICATION_FAILED', `${address} is a port without SASL: leave sasl out, or use the broker's SASL port.`, {
      details,
    })
  const offered = mechanisms.join(', ') || 'none'
  throw new MillraceError('AUTHENTICATION_FAILED', `${address} refuses SASL ${name}; it offers: ${offered}.`, { details })
}

/** The broker's own words are left out: some repeat what they were sent. */
function refused({ name, username }: SaslMechanism, address: string, errorCode: number, refusal: string | null): MillraceError {
  const what = username === null ? `the token: ${refusal ?? 'no reason given'}` : `the user name or password of "${username}"`
  const details = { errorCode, errorName: errorName(errorCode), mechanism: name }
  return new MillraceError('AUTHENTICATION_FAILED', `${address} refused ${what}.`, { details })
}
