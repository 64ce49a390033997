import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { messageOf, MillraceError } from '../../platform/index.ts'
import type { AuditLog } from './audit.ts'
import { clientAddress } from './client-address.ts'
import type { Asker } from './identify.ts'
import { onlyReading } from './problems.ts'
import type { ApiRequest, AuditNote, Route } from './route.ts'
import { sendEvents } from './send-events.ts'

export interface ServeOptions {
  readonly audit: AuditLog
  /** Who asks, when they may; throws AUTHENTICATION_FAILED, FORBIDDEN. */
  askerOf(route: Route, request: FastifyRequest): Asker
  /** The header that sets the session's cookie, or (null) takes it away. */
  sessionCookie(request: FastifyRequest, secret: string | null): string
  readonly readOnly: boolean
  /** Ends what streams when the server closes. */
  readonly closing: AbortSignal
}

/** Puts the routes under `/api/v1`: who asks, what is sent, what is noted, in this order, for each. */
export function serveRoutes(server: FastifyInstance, routes: readonly Route[], options: ServeOptions): void {
  for (const route of routes) {
    server.route({
      method: route.method,
      url: `/api/v1${route.path}`,
      handler: (request, reply) => serve(route, request, reply, options),
    })
  }
}

async function serve(route: Route, request: FastifyRequest, reply: FastifyReply, options: ServeOptions): Promise<unknown> {
  const { principal, session } = options.askerOf(route, request)
  if (options.readOnly && route.method !== 'GET' && !route.whenReadOnly) throw onlyReading()
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, options.closing])
  const note: { -readonly [K in keyof AuditNote]: AuditNote[K] } = {}
  const asked: ApiRequest<unknown, unknown, unknown> = {
    params: parse(route.params, request.params, 'path'),
    query: parse(route.query, request.query, 'query'),
    body: parse(route.body, request.body ?? {}, 'body'),
    principal,
    session,
    address: clientAddress(request),
    readOnly: options.readOnly,
    signal,
    lastEventId: lastEventIdOf(request),
    note: (about) => Object.assign(note, about),
    setSession: (secret) => void reply.header('set-cookie', options.sessionCookie(request, secret)),
  }
  if (route.is === 'events') {
    void reply.hijack()
    await sendEvents(reply.raw, route.handle(asked), signal, () => void options.askerOf(route, request))
    return reply
  }
  void reply.header('cache-control', 'no-store')
  if (route.action === undefined) return route.handle(asked)
  return audited(route.action, asked, note, options.audit, () => route.handle(asked))
}

async function audited(
  action: string,
  { principal, address, params }: ApiRequest<unknown, unknown, unknown>,
  note: AuditNote,
  audit: AuditLog,
  act: () => unknown,
): Promise<unknown> {
  const entry = (): { action: string; target: string | null; before?: unknown; after?: unknown } => {
    const { who: _who, target = targetOf(params), ...rest } = note
    return { action, ...rest, target }
  }
  let result: unknown
  try {
    result = await act()
  } catch (error) {
    await audit.write(note.who ?? principal, address, { ...entry(), outcome: 'refused', error: reasonOf(error) })
    throw error
  }
  await audit.write(note.who ?? principal, address, { ...entry(), outcome: 'done', error: null })
  // An answer without content is one all the same: clients parse JSON.
  return result ?? {}
}

/** Of a statement that the cluster refused its kind of error alone: the message repeats parts of the statement (P8). */
function reasonOf(error: unknown): string {
  const kind = error instanceof MillraceError ? error.details.cqlError : undefined
  return typeof kind === 'string' ? `the cluster refused it: ${kind}` : messageOf(error)
}

function targetOf(params: unknown): string | null {
  return typeof params === 'object' && params !== null ? Object.values(params).join('/') : null
}

function lastEventIdOf({ headers }: FastifyRequest): string | null {
  const id = headers['last-event-id']
  return typeof id === 'string' && id !== '' ? id : null
}

function parse(schema: z.ZodType | undefined, value: unknown, what: string): unknown {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new MillraceError(
    'BAD_REQUEST',
    `${what}${issue && issue.path.length > 0 ? `, "${issue.path.join('.')}"` : ''}: ${issue?.message ?? 'not valid'}`,
  )
}
