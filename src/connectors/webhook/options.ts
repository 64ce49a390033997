import type { Duration, SecretReference, SourceSpec } from '../../core/index.ts'
import { isLoopback } from '../../platform/index.ts'
import { asJsonObject, bytes, integer, optionalDuration, readOptions, readSecret, type Resolved, type TableOf } from '../option-table.ts'
import { OptionsReader } from '../options-reader.ts'

/** Who sends says so with each request: by HTTP Basic, or by a token, `Authorization: Bearer …`. */
export type WebhookCredentials<Secret = SecretReference> = { username: string; password: Secret } | { token: Secret }

/** How a request's body is signed (RFC 2104). */
export interface WebhookHmac<Secret = SecretReference> {
  secret: Secret
  /** That has the signature: `X-Hub-Signature-256`. */
  header: string
  /** Of the hash; `sha256`. */
  algorithm?: 'sha256' | 'sha512' | 'sha1'
  /** Of the signature; `hex`. */
  encoding?: 'hex' | 'base64'
  /** What stands before it: `sha256=`. */
  prefix?: string
}

/** How a request that is sent again is known. */
export interface WebhookIdempotency {
  /** That has a request's key: `Idempotency-Key`. */
  header: string
  /** The field that the key is put into, if any; of a body with several records it is followed by `-` and the record's number. */
  field?: string
  /** So many keys are remembered, in the cursor; 1,000. */
  remember?: number
}

/** Options of a source that is sent its records over HTTP. */
export interface WebhookOptions {
  /** Names the cursor; unique within a project. */
  name: string
  /** With 0 one that is free, which the log names. */
  port: number
  /** `/`. */
  path?: string
  /** Address it listens on; `127.0.0.1`. Another one needs `hmac` or `credentials`. */
  host?: string
  /** Names by which senders reach it, besides `host`; checked where neither `hmac` nor `credentials` tell who sends. */
  hosts?: readonly string[]
  /** Takes requests for so long. */
  for?: Duration
  hmac?: WebhookHmac
  credentials?: WebhookCredentials
  idempotency?: WebhookIdempotency
  /** Of a request's body; 1 MiB. */
  maxBytes?: number
  /** Bodies that wait for their commit, all together; beyond it requests are answered 503 and `Retry-After`; 16 MiB. */
  maxWaitingBytes?: number
  /** Records a page, at most; a request's records are never parted; 1,000. */
  records?: number
}

/** Of `webhook`. */
export const webhookOptions = {
  port: {
    takes: 'a port',
    standard: 'required',
    does: 'With `0` one that is free, which the log names.',
    read: (reader, key) => reader.optionalInteger(key, { min: 0, max: 65_535 }) ?? reader.wrong(key, 'is required: the port to listen on'),
  },
  path: {
    takes: 'a path',
    standard: "`'/'`",
    does: 'Other paths are answered 404.',
    read: (reader, key) => {
      const path = reader.optionalText(key) ?? '/'
      return /^\/[^?#\s]*$/.test(path) ? path : reader.wrong(key, 'must be a path beginning with /')
    },
  },
  host: {
    takes: 'an address',
    standard: "`'127.0.0.1'`",
    does: 'Address it listens on. One that others reach needs `hmac` or `credentials`.',
    read: (reader, key) => reader.optionalText(key) ?? '127.0.0.1',
  },
  hosts: {
    takes: 'a list of names',
    standard: '`host` and the names of loopback',
    does: 'Names by which senders reach it; `Host` is held against them where neither `hmac` nor `credentials` tell who sends.',
    read: (reader, key) => reader.optionalTexts(key) ?? [],
  },
  for: optionalDuration({ standard: 'until it is stopped', does: 'Takes requests for so long.' }),
  hmac: {
    takes: "`{ secret, header, algorithm?: 'sha256', 'sha512' or 'sha1', encoding?: 'hex' or 'base64', prefix? }`",
    standard: 'not asked for',
    does: 'Each body has to be signed (RFC 2104): `header` holds `prefix` and the signature. `secret` is `secret.env(…)` or `secret.file(…)`.',
    read: readHmac,
  },
  credentials: {
    takes: '`{ username, password }` or `{ token }`',
    standard: 'not asked for',
    does: 'Asked for with each request: HTTP Basic, or `Authorization: Bearer …`. Password and token are `secret.env(…)` or `secret.file(…)`.',
    read: readCredentials,
  },
  idempotency: {
    takes: '`{ header, field?, remember?: 1,000 }`',
    standard: 'a request sent again gives its records again',
    does: 'Each request has to name its key in `header`; a request whose key is among the last `remember` is answered 200 without being taken again. The key is put into `field` of its records (of a list: with `-` and a number).',
    read: readIdempotency,
  },
  maxBytes: bytes({ standard: 1 << 20, max: 64 << 20, does: "Of a request's body; a larger one is answered 413." }),
  maxWaitingBytes: bytes({
    standard: 16 << 20,
    max: 1 << 30,
    does: 'Bodies that wait for their commit, all together; beyond it requests are answered 503 and `Retry-After`.',
  }),
  records: integer({ standard: 1_000, min: 1, max: 10_000, does: "Records a page, at most; a request's records are never parted." }),
} satisfies TableOf<WebhookOptions>

export type Webhook = Resolved<typeof webhookOptions>

/** The source as data, its options checked. Throws DEFINITION_INVALID naming the option. */
export function webhookSpec(options: WebhookOptions): SourceSpec {
  const { name, ...rest } = options
  resolveWebhook(name, rest)
  return { connector: 'webhook', name, options: asJsonObject(rest) }
}

/** @returns every option with its default */
export function resolveWebhook(name: string, raw: object): Webhook {
  const options = readOptions(webhookOptions, name, raw)
  const { host, hmac, credentials, maxBytes, maxWaitingBytes } = options
  const reader = new OptionsReader(`source "${name}"`, {})
  // P8
  if (!isLoopback(host) && hmac === null && credentials === null)
    reader.wrong('host', `is ${host}, which others reach: give hmac or credentials, by which senders are known`)
  if (maxBytes > maxWaitingBytes) reader.wrong('maxBytes', 'is more than maxWaitingBytes')
  return options
}

function requiredSecret(reader: OptionsReader, key: string): SecretReference {
  return readSecret(reader, key) ?? reader.wrong(key, "is required: secret.env('NAME') or secret.file('path')")
}

const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

function readHeaderName(reader: OptionsReader): string {
  const name = reader.text('header')
  return headerName.test(name) ? name.toLowerCase() : reader.wrong('header', 'must be the name of a header')
}

function readHmac(reader: OptionsReader, key: string): Required<WebhookHmac> | null {
  const hmac = reader.optionalObject(key)
  if (!hmac) return null
  const oneOf = <W extends string>(option: string, words: readonly [W, ...W[]]): W => {
    const given = hmac.raw(option) ?? words[0]
    return words.find((word) => word === given) ?? hmac.wrong(option, `must be one of ${words.join(', ')}`)
  }
  const read = {
    secret: requiredSecret(hmac, 'secret'),
    header: readHeaderName(hmac),
    algorithm: oneOf('algorithm', ['sha256', 'sha512', 'sha1']),
    encoding: oneOf('encoding', ['hex', 'base64']),
    prefix: hmac.optionalText('prefix') ?? '',
  }
  hmac.refuseOthers()
  return read
}

function readCredentials(reader: OptionsReader, key: string): WebhookCredentials | null {
  const credentials = reader.optionalObject(key)
  if (!credentials) return null
  const token = readSecret(credentials, 'token')
  const read = token ? { token } : { username: credentials.text('username'), password: requiredSecret(credentials, 'password') }
  credentials.refuseOthers()
  return read
}

function readIdempotency(reader: OptionsReader, key: string): { header: string; field: string | null; remember: number } | null {
  const idempotency = reader.optionalObject(key)
  if (!idempotency) return null
  const read = {
    header: readHeaderName(idempotency),
    field: idempotency.optionalText('field'),
    remember: idempotency.optionalInteger('remember', { min: 1, max: 10_000 }) ?? 1_000,
  }
  idempotency.refuseOthers()
  return read
}
