import { createHash, timingSafeEqual } from 'node:crypto'
import { errorCodes, saslAuthenticate } from '../../kafka-wire/index.ts'
import { handler, type SaslState } from './handler.ts'

const refused = 'Authentication failed: Invalid username or password'
const noToken = new Uint8Array(0)

/** SASL PLAIN (RFC 4616). */
export const saslAuthenticateHandler = handler(saslAuthenticate, [0, 2], (request, { sasl }) => {
  if (sasl.stage !== 'handshaken') {
    return { errorCode: errorCodes.ILLEGAL_SASL_STATE, errorMessage: 'SaslHandshake comes first, and only once.', authBytes: noToken }
  }
  return acceptsPlain(sasl, request.authBytes)
    ? { errorCode: errorCodes.NONE, errorMessage: null, authBytes: noToken }
    : { errorCode: errorCodes.SASL_AUTHENTICATION_FAILED, errorMessage: refused, authBytes: noToken }
})

/** Checks a PLAIN token (authorization id, user name, password, separated by NUL) and moves the state on. Compares in constant time. */
export function acceptsPlain(sasl: SaslState, token: Uint8Array): boolean {
  const [authorizationId = '', username = '', password = '', ...more] = Buffer.from(token).toString('utf8').split('\0')
  const { credentials } = sasl
  if (credentials === null) return false
  const nameFits = sameText(username, credentials.username)
  const passwordFits = sameText(password, credentials.password)
  const fits = nameFits && passwordFits && more.length === 0 && (authorizationId === '' || authorizationId === username)
  sasl.stage = fits ? 'done' : 'start'
  return fits
}

/** Hashes first, so that neither content nor length shows in the time. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
