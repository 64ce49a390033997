import { MillraceError } from '../platform/errors.ts'

/** An OAUTHBEARER token as clients need it. A secret: never logged (P8). */
export interface OauthToken {
  value: string
  /** When it ends, if that can be told. */
  expiresAtMs?: number
  extensions?: Readonly<Record<string, string>>
}

/**
 * What a token function returned, checked; the end of a JWT is read from its `exp` (RFC 7519 §4.1.4) when it is not given.
 * Throws CONFIG_INVALID, without the value, for anything that is no token.
 */
export function oauthToken(returned: unknown): OauthToken {
  const { value, expiresAtMs, extensions } = isObject(returned) ? returned : { value: returned }
  if (typeof value !== 'string' || value.trim() === '') throw noToken('it gave no token: return a text, or { value, expiresAtMs }')
  if (expiresAtMs !== undefined && !Number.isFinite(expiresAtMs)) throw noToken('"expiresAtMs" is not a number of milliseconds')
  if (extensions !== undefined && !isTexts(extensions)) throw noToken('"extensions" are not names with texts')
  const ends = typeof expiresAtMs === 'number' ? expiresAtMs : jwtExpiresAtMs(value)
  return { value: value.trim(), ...(ends === null ? {} : { expiresAtMs: ends }), ...(extensions ? { extensions } : {}) }
}

/** When a JWT ends; null when it does not say, or is none. */
function jwtExpiresAtMs(value: string): number | null {
  const [, payload = ''] = value.split('.')
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return isObject(claims) && typeof claims['exp'] === 'number' ? claims['exp'] * 1_000 : null
  } catch {
    return null
  }
}

function noToken(why: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `kafka.sasl.token: ${why}.`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}
