import type { FastifyInstance, FastifyRequest } from 'fastify'
import { errnoOf, hostNames, messageOf, MillraceError, type Part } from '../platform/index.ts'
import type { Access } from './access/access.ts'
import type { ConsoleScope } from './console-scope.ts'
import { readiness } from './health.ts'
import type { AuditLog } from './http/audit.ts'
import { closeServer } from './http/close-server.ts'
import { securityHeaders, serveConsole } from './http/console-files.ts'
import { authorize, checkOrigin, identify, type Asker } from './http/identify.ts'
import { openapiOf } from './http/openapi.ts'
import type { Route } from './http/route.ts'
import { serveRoutes } from './http/serve-routes.ts'
import { sessionCookie } from './http/session-cookie.ts'
import { prometheusText, type Meters } from '../telemetry/index.ts'
import { statusMetrics } from './metrics.ts'
import type { ApiPorts } from './ports.ts'
import { sessionRoutes } from './routes/session.ts'

export interface WebServerOptions {
  readonly server: FastifyInstance
  readonly host: string
  readonly port: number
  /** Names by which it may be addressed, besides loopback's. */
  readonly hosts: readonly string[]
  /** Path below which a proxy serves it, `/millrace`; '' for the root. Requests without it are answered too. */
  readonly basePath: string
  /** Addresses and CIDRs of proxies whose `X-Forwarded-…` headers are believed. */
  readonly trustedProxies: readonly string[]
  readonly scope: ConsoleScope
  readonly routes: readonly Route[]
  readonly ports: Pick<ApiPorts, 'status' | 'streamMotions' | 'alerts'>
  readonly meters: Meters
  readonly access: Access
  readonly audit: AuditLog
  /** Tells its cookie from those of other Millraces on other ports: browsers send cookies to all ports of a name. */
  readonly instance: string
  readonly version: string
  /** Where the console's build lies; null while there is none. */
  consoleFolder(): string | null
  readonly closing: AbortSignal
}

export interface WebServer extends Part {
  readonly port: number
  /** A link that signs in once, within the hour. Its token is in the fragment, which browsers send to nobody. */
  signInLink(): string
}

/** The API for browsers and machines, and the console, on a TCP port. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { server, host, access, instance, basePath, scope } = options
  const names = hostNames([host, ...options.hosts])
  const cookie = sessionCookie(instance, basePath)
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(securityHeaders)
    checkOrigin(request, names)
    done()
  })
  const identifyBy: Identify = (request) => identify(request.headers, access, cookie.nameFor(request))
  const routes = [...options.routes, ...sessionRoutes(access, scope)]
  serveRoutes(server, routes, {
    audit: options.audit,
    closing: options.closing,
    readOnly: scope.readOnly,
    askerOf: (route, request) => authorize(route, identifyBy(request), request.headers),
    sessionCookie: (request, secret) => cookie.header(request, secret),
  })
  serveOperations(server, options, identifyBy, routes)
  serveConsole(server, () => options.consoleFolder(), basePath)
  await listen(server, host, options.port)
  const bound = server.server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const address = `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`
  const close = (): Promise<void> => closeServer(server)
  return {
    address,
    port,
    failed: new Promise<never>(() => undefined),
    signInLink: () => `${address}${basePath}/sign-in#${access.makeLinkToken()}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Null: nobody we know. */
type Identify = (request: FastifyRequest) => Asker | null

/** For those who watch over it: health without a sign-in and without details, metrics and OpenAPI with one. */
function serveOperations(server: FastifyInstance, options: WebServerOptions, identifyBy: Identify, routes: readonly Route[]): void {
  const { ports, version, scope, meters } = options
  server.get('/healthz', { exposeHeadRoute: true }, (_request, reply) => reply.type('text/plain').send('ok\n'))
  server.get('/readyz', { exposeHeadRoute: true }, async (request, reply) => {
    // Without a project the console alone is to be ready: it is there to say that a cluster is not.
    const { ready, because } = readiness(scope.project ? await ports.status() : { parts: [], loadError: null }, ports.streamMotions())
    const isKnown = identifyBy(request) !== null
    const why = isKnown ? because.join('\n') : 'not ready: who has signed in, or has a token, is told why'
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(`${ready ? 'ready' : why}\n`)
  })
  const signedIn: Pick<Route, 'role' | 'method'> = { role: 'viewer', method: 'GET' }
  server.get('/metrics', async (request, reply) => {
    authorize(signedIn, identifyBy(request), request.headers)
    return reply
      .type('text/plain; version=0.0.4; charset=utf-8')
      .send(prometheusText([...statusMetrics(await ports.status(), ports.alerts.view(), process.memoryUsage.rss()), ...meters.collect()]))
  })
  server.get('/api/v1/openapi.json', (request) => {
    authorize(signedIn, identifyBy(request), request.headers)
    return openapiOf(routes, version)
  })
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const options = { cause: error, details: { host, port } }
    if (errnoOf(error) === 'EADDRINUSE')
      throw new MillraceError(
        'PORT_BUSY',
        `Port ${port} on ${host} is in use by another process; set MILLRACE_CONSOLE_PORT to another, 0 for any.`,
        options,
      )
    throw new MillraceError('UNREACHABLE', `Cannot listen on ${host}:${port}: ${messageOf(error)}`, options)
  }
}
