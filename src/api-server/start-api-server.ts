import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { systemClock, type Logger, type Part } from '../platform/index.ts'
import { Meters, noTracer, type Telemetry } from '../telemetry/index.ts'
import type { Access } from './access/access.ts'
import type { Principal } from './access/roles.ts'
import type { AuditLog } from './http/audit.ts'
import { closeServer } from './http/close-server.ts'
import { answerErrors } from './http/problems.ts'
import { serveRoutes } from './http/serve-routes.ts'
import { requestTelemetry, traceRequests } from './http/trace-requests.ts'
import { LiveFeed } from './live-feed.ts'
import type { ApiPorts } from './ports.ts'
import { accessRoutes } from './routes/access.ts'
import { alertRoutes } from './routes/alerts.ts'
import { dagRoutes } from './routes/dags.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { offsetRoutes } from './routes/offsets.ts'
import { processRoutes } from './routes/process.ts'
import { statusRoutes } from './routes/status.ts'
import { tableRoutes } from './routes/tables.ts'
import { topicRoutes } from './routes/topics.ts'
import type { Route } from './http/route.ts'
import { startWebServer, type WebServer, type WebServerOptions } from './start-web-server.ts'

export interface ApiServerOptions {
  readonly ports: ApiPorts
  readonly access: Access
  readonly audit: AuditLog
  readonly log: Logger
  /** Traces requests, and has metrics of others; requests are counted for `/metrics` when it is left out. */
  readonly telemetry?: Pick<Telemetry, 'tracer' | 'meters'>
}

export interface ApiServer extends Part {
  /** Opens the console's port: the same routes, for who signs in. PORT_BUSY, UNREACHABLE. */
  openWeb(options: Omit<WebServerOptions, 'server' | 'routes' | 'ports' | 'access' | 'audit' | 'closing' | 'meters'>): Promise<WebServer>
}

/** Who can open the socket started Millrace. */
const owner: Principal = { name: 'owner', role: 'admin', via: 'socket' }
const bodyLimitBytes = 4 * 1_048_576
/** Topics have names of 249 characters, runs of 200, and an escaped character takes up to twelve. */
const longestParam = 3_000

/**
 * The HTTP API on a Unix socket that only this user can open (mode 0600, in a folder of mode 0700). Socket paths are
 * limited to about 100 bytes, so it lies in the system's temporary folder and its address in the data folder.
 */
export async function startApiServer({ ports, access, audit, log, telemetry = ownTelemetry() }: ApiServerOptions): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  const socket = join(folder, 'api.sock')
  const closing = new AbortController()
  const feed = new LiveFeed(ports, systemClock)
  let web: WebServer | null = null
  const shared = [
    ...statusRoutes(ports, feed),
    ...alertRoutes(ports),
    ...dagRoutes(ports),
    ...deadLetterRoutes(ports),
    ...offsetRoutes(ports),
    ...topicRoutes(ports),
    ...tableRoutes(ports),
    ...accessRoutes(access, audit),
  ]
  const ofOwner = [...shared, ...processRoutes({ stop: () => ports.stop(), consoleLink: () => web?.signInLink() ?? null })]

  const requests = requestTelemetry(telemetry.tracer, telemetry.meters)
  const server = createServer(log, '', [])
  traceRequests(server, requests)
  serveRoutes(server, ofOwner, {
    audit,
    closing: closing.signal,
    readOnly: false,
    askerOf: () => ({ principal: owner, session: null }),
    sessionCookie: () => '',
  })
  await server.listen({ path: socket })
  await chmod(socket, 0o600)
  const close = async (): Promise<void> => {
    closing.abort()
    await web?.close()
    await closeServer(server)
    await Promise.all([access.close(), audit.close(), rm(folder, { recursive: true, force: true })])
  }
  return {
    address: socket,
    failed: new Promise<never>(() => undefined),
    openWeb: async (options) => {
      const routes: Route[] = shared.filter((route) => route.onlyBySocket === undefined)
      const webServer = createServer(log, options.basePath, options.trustedProxies)
      traceRequests(webServer, requests)
      web = await startWebServer({
        ...options,
        server: webServer,
        meters: telemetry.meters,
        routes,
        ports,
        access,
        audit,
        closing: closing.signal,
      })
      return web
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function ownTelemetry(): Pick<Telemetry, 'tracer' | 'meters'> {
  return { tracer: noTracer, meters: new Meters() }
}

function createServer(log: Logger, basePath: string, trustedProxies: readonly string[]): FastifyInstance {
  const server = Fastify({
    logger: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: bodyLimitBytes,
    routerOptions: { maxParamLength: longestParam },
    // A HEAD of events would read them without end, to nobody.
    exposeHeadRoutes: false,
    rewriteUrl: ({ url = '/' }) => withoutBasePath(url, basePath),
  })
  server.removeContentTypeParser('text/plain')
  answerErrors(server, log)
  server.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type('application/problem+json')
      .send({
        title: 'NOT_FOUND',
        status: 404,
        code: 'NOT_FOUND',
        detail: `There is no ${request.method} ${request.url.split('?')[0]}.`,
        retriable: false,
      }),
  )
  return server
}

/** A proxy may take the base path off, or leave it on. */
function withoutBasePath(url: string, basePath: string): string {
  const rest = basePath !== '' && url.startsWith(basePath) ? url.slice(basePath.length) : url
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : url
}
