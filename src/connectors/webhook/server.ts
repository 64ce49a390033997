import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { errnoOf, MillraceError, type Clock } from '../../platform/index.ts'
import { checkHeaders, checkSignature, contentType, type SenderRules } from './check-sender.ts'
import { comeAgain, deliveryOf, type Answer, type Inbox } from './inbox.ts'
import type { Webhook } from './options.ts'
import { readBody, recordsOf } from './read-body.ts'

export interface StartWebhookServer {
  name: string
  options: Webhook
  rules: SenderRules
  inbox: Inbox
  clock: Clock
}

/** A sender has so long for a whole request. */
const requestMs = 30_000
/** Of a server that ends: for answers that are on their way, then what is open is cut. */
const graceMs = 1_000
const mostConnections = 1_000
const mostKeyLength = 255

/** Listens, and answers each request once its records are committed, or are not. */
export async function startWebhookServer(start: StartWebhookServer): Promise<{ url: string; close(): Promise<void> }> {
  const { options, clock } = start
  const server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs }, (request, response) => {
    void respond(start, request, response)
  })
  server.maxConnections = mostConnections
  const port = await listen(server, start)
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${host}:${port}${options.path}`,
    close: () =>
      new Promise((resolve) => {
        const cancel = clock.after(graceMs, () => server.closeAllConnections())
        server.close(() => {
          cancel()
          resolve()
        })
      }),
  }
}

function listen(server: Server, { name, options: { host, port } }: StartWebhookServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const isBusy = errnoOf(error) === 'EADDRINUSE'
      const what = isBusy ? `port ${port} on ${host} is in use by another process` : `it cannot listen on ${host}:${port}: ${error.message}`
      reject(new MillraceError(isBusy ? 'PORT_BUSY' : 'UNREACHABLE', `Source ${name}: ${what}.`, { cause: error, details: { host, port } }))
    })
    server.listen({ host, port }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

async function respond(start: StartWebhookServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let answer: Answer
  try {
    answer = await answerTo(start, request)
  } catch {
    // The sender went away in the middle: nobody is there to be answered.
    response.destroy()
    return
  }
  const text = JSON.stringify(answer.body)
  // A body that was not read is not to be taken for the next request.
  const isRead = request.complete
  response.writeHead(answer.status, { 'content-type': 'application/json', ...(isRead ? {} : { connection: 'close' }), ...answer.headers })
  response.end(`${text}\n`)
}

async function answerTo(start: StartWebhookServer, request: IncomingMessage): Promise<Answer> {
  const { options, rules, inbox } = start
  const { headers, method, url = '' } = request
  if (url.split('?')[0] !== options.path) return problem(404, `there is nothing at this path; it is ${options.path}`)
  if (method !== 'POST') return { ...problem(405, 'records are sent by POST'), headers: { allow: 'POST' } }
  const refused = checkHeaders(headers, rules, options)
  if (refused) return { ...problem(refused.status, refused.reason), ...(refused.headers ? { headers: refused.headers } : {}) }
  if (inbox.isClosed) return comeAgain('this run takes nothing more')
  const announced = Number(headers['content-length'] ?? options.maxBytes)
  if (announced > options.maxBytes) return tooLarge(options)
  const giveBack = inbox.reserve(announced)
  if (giveBack === null) return comeAgain('more waits to be committed than there is room for')
  try {
    return await take(start, request)
  } finally {
    giveBack()
  }
}

async function take({ options, rules, inbox }: StartWebhookServer, request: IncomingMessage): Promise<Answer> {
  const { headers } = request
  const body = await readBody(request, options.maxBytes)
  if (body === null) return tooLarge(options)
  const refused = checkSignature(headers, body, rules)
  if (refused) return problem(refused.status, refused.reason)
  const read = recordsOf(body, contentType(headers) ?? 'json')
  if (!read.ok) return problem(400, read.problem)
  if (read.records.length === 0) return { status: 200, body: { records: 0 } }
  const { idempotency } = options
  if (idempotency === null) return inbox.put(deliveryOf(read.records, null))
  const key = headers[idempotency.header]
  if (typeof key !== 'string' || key === '' || key.length > mostKeyLength)
    return problem(400, `the header ${idempotency.header} has to hold the request's key, 1 to ${mostKeyLength} characters`)
  const { field } = idempotency
  const keyed = read.records.map((record, i) => (field === null ? record : { ...record, [field]: read.isList ? `${key}-${i}` : key }))
  return inbox.put(deliveryOf(keyed, digestOf(key)))
}

/** 66 bits: enough to tell some thousand keys apart, and short in the cursor. */
function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 11)
}

function tooLarge({ maxBytes }: Webhook): Answer {
  return problem(413, `the body is larger than ${maxBytes} bytes`)
}

function problem(status: number, reason: string): Answer {
  return { status, body: { error: reason } }
}
