import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import { errnoOf, isLoopback, messageOf, MillraceError, silentLogger, type Part } from '../../../platform/index.ts'
import type { RandomUser } from '../random-user.ts'
import { loadNationality, usualNationalities, type Nationality } from './nationalities.ts'
import { readQuery, type StandInQuery } from './query.ts'
import type { RandomUserStandInOptions } from './start.ts'
import { usersOfPage } from './users.ts'

/**
 * Answers `GET /api/` as randomuser.me does, from seed and page alone: the same request gives the same users at any time, in
 * any process. Errors are `{ error }` with status 400; `GET /health` answers `{ ok: true }`.
 */
export async function serveRandomUsers({ host, port, log = silentLogger }: RandomUserStandInOptions): Promise<Part & { url: string }> {
  if (!isLoopback(host)) {
    throw new MillraceError(
      'CREDENTIALS_REQUIRED',
      `The RandomUser stand-in has no credentials and listens on this machine only; ${host} is not loopback.`,
    )
  }
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.error('RandomUser stand-in failed to answer', { error })
      if (response.headersSent) response.destroy()
      else answer(response, 500, { error: messageOf(error) })
    })
  })
  const boundPort = await listen(server, host, port)
  server.on('error', (error) => failed.reject(error))
  const address = `${host.includes(':') ? `[${host}]` : host}:${boundPort}`
  const close = (): Promise<void> => closeServer(server)
  return { address, url: `http://${address}/api/`, failed: failed.promise, close, [Symbol.asyncDispose]: close }
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const problem = foreignCaller(request)
  if (problem !== null) return answer(response, 403, { error: problem })
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return answer(response, 405, { error: `${request.method} is not served; use GET` })
  const url = new URL(request.url ?? '/', 'http://stand-in')
  if (url.pathname === '/health') return answer(response, 200, { ok: true })
  if (!/^\/api(\/1\.[0-9])?\/?$/.test(url.pathname))
    return answer(response, 404, { error: `${url.pathname.slice(0, 100)} is not served; use /api/` })
  const query = readQuery(url.searchParams)
  if (typeof query === 'string') return answer(response, 400, { error: query })
  answer(response, 200, await answerTo(query), query.pretty)
}

/** A web page elsewhere, by its origin or by a name that it points at this machine (P8). */
function foreignCaller({ headers }: IncomingMessage): string | null {
  const host = hostname(headers.host ?? '')
  if (host === null || !isLoopback(host)) return 'the Host header names another machine'
  if (headers.origin === undefined) return null
  const origin = hostname(headers.origin.replace(/^[a-z]+:\/\//, ''))
  return origin !== null && isLoopback(origin) ? null : 'pages of other origins are not served'
}

function hostname(authority: string): string | null {
  return URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`).hostname.replaceAll(/[[\]]/g, '') : null
}

async function answerTo(query: StandInQuery): Promise<{ results: Partial<RandomUser>[]; info: object }> {
  const [first, ...others] = await Promise.all((query.nationalities ?? usualNationalities).map(loadNationality))
  const nationalities: [Nationality, ...Nationality[]] = [first ?? (await loadNationality('US')), ...others]
  const seed = query.seed ?? randomBytes(8).toString('hex')
  const users = usersOfPage({ seed, page: query.page, gender: query.gender, nationalities }, query.results)
  const info = { seed, results: query.results, page: query.page, version: '1.4' }
  return { results: users.map((user) => only(user, query.fields)), info }
}

function only(user: RandomUser, fields: StandInQuery['fields']): Partial<RandomUser> {
  if (fields.length === Object.keys(user).length) return user
  return Object.fromEntries(fields.map((field) => [field, user[field]]))
}

function answer(response: ServerResponse, status: number, body: object, pretty = false): void {
  const bytes = Buffer.from(JSON.stringify(body, null, pretty ? 2 : undefined))
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.byteLength,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  response.end(bytes)
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const busy = errnoOf(error) === 'EADDRINUSE'
      const message = busy ? `Port ${port} on ${host} is in use by another process.` : `Cannot listen on ${host}:${port}: ${error.message}`
      reject(new MillraceError(busy ? 'PORT_BUSY' : 'UNREACHABLE', message, { cause: error, details: { host, port } }))
    })
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
