import { messageOf, MillraceError } from '../platform/index.ts'
import type { SaslExchange, SaslStep } from './sasl.ts'
import type { OauthToken } from './security.ts'

/** Separates the parts of a message (RFC 7628 §3.1). */
const SEPARATOR = '\x01'
/** RFC 6750 §2.1, b64token. */
const bearer = /^[A-Za-z0-9\-._~+/]+=*$/
const extensionName = /^[A-Za-z]+$/
const extensionValue = /^[\x20-\x7e\t\r\n]+$/

/**
 * Asks the author's function for a token and begins an exchange with it (RFC 7628, KIP-255; extensions: KIP-342).
 * Rejects AUTHENTICATION_FAILED, retriable when the function failed or gave a token that has ended: the next call may give a better one.
 */
export async function oauthExchange(token: () => Promise<OauthToken | string>, nowMs: () => number): Promise<SaslExchange> {
  const { value, expiresAtMs, extensions = {} } = await ask(token)
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs()) throw failed('the token it gave has expired', true)
  if (!bearer.test(value)) throw failed('what it gave is no bearer token', false)
  const parts = Object.entries(extensions).map(([name, text]) => {
    if (name.toLowerCase() === 'auth' || !extensionName.test(name) || !extensionValue.test(text))
      throw failed(`"${name}" cannot be sent as an extension of the token`, false)
    return `${name}=${text}${SEPARATOR}`
  })
  return {
    first: Buffer.from(`n,,${SEPARATOR}auth=Bearer ${value}${SEPARATOR}${parts.join('')}${SEPARATOR}`),
    step: stepper(value),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}

async function ask(token: () => Promise<OauthToken | string>): Promise<OauthToken> {
  try {
    const given = await token()
    return typeof given === 'string' ? { value: given } : given
  } catch (error) {
    // Without it as the cause: its stack and message may well hold what it asked with (P8).
    throw failed(`it failed: ${withoutTokens(messageOf(error))}`, true)
  }
}

function failed(why: string, retriable: boolean): MillraceError {
  return new MillraceError('AUTHENTICATION_FAILED', `The token function of SASL OAUTHBEARER was of no use: ${why}.`, { retriable })
}

/** An empty answer is success. Else it is the server's JSON error, which a lone separator acknowledges; the refusal itself comes then. */
function stepper(value: string): SaslExchange['step'] {
  let reason: string | null = null
  return async (challenge): Promise<SaslStep> => {
    if (reason !== null) return { is: 'failed', reason }
    if (challenge.byteLength === 0) return { is: 'done' }
    reason = readServerError(Buffer.from(challenge).toString('utf8')).replaceAll(value, '…')
    return { is: 'token', token: Buffer.from(SEPARATOR), refusal: reason }
  }
}

/** What RFC 7628 §3.2.2 lets a server say, in one line. */
export function readServerError(text: string): string {
  try {
    const said: unknown = JSON.parse(text)
    if (typeof said !== 'object' || said === null) return 'no reason given'
    const parts = ['status', 'scope', 'openid-configuration'].flatMap((key) => {
      const value: unknown = Reflect.get(said, key)
      return typeof value === 'string' && value !== '' ? [key === 'status' ? value : `${key} ${value}`] : []
    })
    return withoutTokens(parts.join(', ').replaceAll(/[^\x20-\x7e]/g, '?')) || 'no reason given'
  } catch {
    return 'no reason given'
  }
}

/** Without JSON web tokens, and of addresses without users, passwords (Node's fetch repeats them) and queries. */
function withoutTokens(text: string): string {
  return text
    .replaceAll(/\beyJ[\w-]*\.[\w.-]*/g, '…')
    .replaceAll(/:\/\/[^\s/?#]*@/g, '://…@')
    .replaceAll(/\?\S+/g, '?…')
}
