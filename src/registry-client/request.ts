import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { RegistryEndpoint } from '../core/index.ts'
import { abortReason, clientTlsContext, errnoOf, isUnknownAuthority, messageOf, MillraceError } from '../platform/index.ts'

export interface Answer {
  status: number
  /** Undefined: it was no JSON. */
  json: unknown
}

export type Ask = (method: 'GET' | 'POST', path: string, body: unknown, signal?: AbortSignal) => Promise<Answer>

const answerWithinMs = 10_000
/** A schema is kilobytes; no answer is larger than this. */
const maxAnswerBytes = 16 * 1024 * 1024

/** One connection or a few to a registry, kept open between requests without keeping the process alive. */
export function openRequests({ url, credentials, tls }: RegistryEndpoint): { ask: Ask; close: () => void } {
  const base = new URL(url)
  const isTls = base.protocol === 'https:'
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, maxSockets: 4, ...tlsOptions(url, tls) })
    : new HttpAgent({ keepAlive: true, maxSockets: 4 })
  const basic = credentials && Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
  const ask: Ask = (method, path, body, signal) =>
    new Promise<Answer>((resolve, reject) => {
      const text = body === undefined ? null : JSON.stringify(body)
      const options: RequestOptions = {
        method,
        agent,
        timeout: answerWithinMs,
        headers: {
          accept: 'application/vnd.schemaregistry.v1+json, application/json',
          ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }),
          ...(text === null ? {} : { 'content-type': 'application/vnd.schemaregistry.v1+json', 'content-length': Buffer.byteLength(text) }),
        },
        ...(signal ? { signal } : {}),
      }
      const request = (isTls ? httpsRequest : httpRequest)(new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base), options)
      const fail = (error: unknown): void => reject(signal?.aborted ? abortReason(signal) : unreachable(url, error))
      request.once('error', fail)
      request.once('timeout', () => request.destroy(new Error(`no answer within ${answerWithinMs / 1_000} s`)))
      request.once('response', (response) => void read(response).then((json) => resolve({ status: response.statusCode ?? 0, json }), fail))
      request.end(text ?? undefined)
    })
  return { ask, close: () => agent.destroy() }
}

function tlsOptions(url: string, tls: RegistryEndpoint['tls'] = {}): ConstructorParameters<typeof HttpsAgent>[0] {
  const context = clientTlsContext(tls)
  if (!context.ok) throw new MillraceError('CONFIG_INVALID', `registry.tls.${context.error.option} for ${url} ${context.error.what}.`)
  return {
    secureContext: context.value,
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(tls.verifyHostname === false ? { checkServerIdentity: () => undefined } : {}),
  }
}

async function read(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.byteLength
    if (size > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    const json: unknown = JSON.parse(Buffer.concat(chunks).toString())
    return json
  } catch {
    return undefined
  }
}

function unreachable(url: string, error: unknown): MillraceError {
  const code = errnoOf(error)
  if (code !== null && (isUnknownAuthority(code) || code === 'ERR_TLS_CERT_ALTNAME_INVALID')) {
    const what = `The certificate of the schema registry at ${url} is refused (${code})`
    return new MillraceError(
      'AUTHENTICATION_FAILED',
      `${what}: name its authority in registry.tls.ca, or its name in registry.tls.serverName.`,
    )
  }
  return new MillraceError('UNREACHABLE', `The schema registry at ${url} does not answer: ${messageOf(error)}.`, { cause: error })
}
