import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { addressed, hostNames } from '../../platform/index.ts'
import type { Webhook, WebhookCredentials, WebhookHmac } from './options.ts'

/** How senders are known, secrets resolved. */
export interface SenderRules {
  hosts: readonly string[]
  hmac: Required<WebhookHmac<string>> | null
  credentials: WebhookCredentials<string> | null
}

export type Refused = { status: number; reason: string; headers?: Record<string, string> }

/** What the headers alone say against a request, before its body is read; null: nothing. */
export function checkHeaders(headers: IncomingHttpHeaders, rules: SenderRules, own: Pick<Webhook, 'host'>): Refused | null {
  return checkAddressed(headers, rules, own) ?? checkCredentials(headers, rules) ?? checkContent(headers)
}

/**
 * P8: a page in a browser elsewhere cannot send here, neither by a name made to point here (DNS rebinding) nor across origins. Who has
 * a secret to show is no such page, and may reach this through a proxy by any name.
 */
function checkAddressed({ host = '', origin }: IncomingHttpHeaders, { hosts, hmac, credentials }: SenderRules, own: Pick<Webhook, 'host'>) {
  const isKnown = hmac !== null || credentials !== null
  const names = hostNames([own.host, ...hosts, ...(isKnown ? [host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')] : [])])
  const to = addressed({ host, ...(origin === undefined ? {} : { origin }) }, names)
  if (to.is === 'foreign host') return { status: 403, reason: `this is not "${to.name}": name it in hosts` }
  return to.is === 'foreign origin' ? { status: 403, reason: 'a page of another origin may not send here' } : null
}

function checkCredentials({ authorization = '' }: IncomingHttpHeaders, { credentials }: SenderRules): Refused | null {
  if (credentials === null) return null
  const isToken = 'token' in credentials
  const expected = isToken
    ? `Bearer ${credentials.token}`
    : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
  if (isEqual(authorization, expected)) return null
  const challenge = isToken ? 'Bearer' : 'Basic realm="webhook", charset="UTF-8"'
  return { status: 401, reason: 'credentials are asked for', headers: { 'www-authenticate': challenge } }
}

function checkContent(headers: IncomingHttpHeaders): Refused | null {
  const type = contentType(headers)
  if (type !== null) return null
  return { status: 415, reason: 'the content type must be application/json, or application/x-ndjson' }
}

/** Null: another one. */
export function contentType(headers: IncomingHttpHeaders): 'json' | 'ndjson' | null {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/x-ndjson' || type === 'application/jsonl') return 'ndjson'
  return type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type) ? 'json' : null
}

/** What the signature of a body says against it; null: nothing, or none is asked for. */
export function checkSignature(headers: IncomingHttpHeaders, body: Uint8Array, { hmac }: SenderRules): Refused | null {
  if (hmac === null) return null
  const { header, algorithm, encoding, prefix, secret } = hmac
  const given = headers[header]
  const expected = prefix + createHmac(algorithm, secret).update(body).digest(encoding)
  if (
    typeof given === 'string' &&
    isEqual(encoding === 'hex' ? given.toLowerCase() : given, encoding === 'hex' ? expected.toLowerCase() : expected)
  )
    return null
  return { status: 401, reason: `the signature in ${header} is missing, or not of this body` }
}

/** In a time that tells nothing of where they differ, nor of their lengths. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
