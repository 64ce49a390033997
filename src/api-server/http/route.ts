import type { z } from 'zod'
import type { Principal, Role } from '../access/roles.ts'

export interface ApiRequest<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly principal: Principal
  /** Of a browser; null for tokens and the socket. */
  readonly session: BrowserSession | null
  /** Who asks: of the connection, or as a trusted proxy forwards it. */
  readonly address: string
  /** The console only reads: what would change a cluster is refused. */
  readonly readOnly: boolean
  /** Aborted when the asker went away. */
  readonly signal: AbortSignal
  /** `Last-Event-ID`: where a reader of events stopped; null for a new one. */
  readonly lastEventId: string | null
  /** Notes for the audit log: what the action was done to, and how it was before and after. */
  readonly note: (about: AuditNote) => void
  /** Sets the session's cookie, or (null) takes it away. */
  readonly setSession: (secret: string | null) => void
}

export interface BrowserSession {
  readonly secret: string
  readonly csrf: string
}

export interface AuditNote {
  readonly target?: string
  /** Who did it, where that is known by what was done alone: signing in. */
  readonly who?: Principal
  readonly before?: unknown
  readonly after?: unknown
}

/** One server-sent event. `id` is what a reader resumes from. */
export interface ServerEvent {
  readonly event: string
  readonly id?: string
  readonly data: unknown
}

interface Common {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/api/v1`, parameters as `:name`. */
  readonly path: string
  readonly summary: string
  /** The least role that may; `anyone`: not signed in. */
  readonly role: Role | 'anyone'
  /** Only over the socket: an answer with secrets in it, or the end of the process. */
  readonly onlyBySocket?: true
  /** Served by a console that only reads too: it changes no cluster, or refuses by itself what would. */
  readonly whenReadOnly?: true
  /** Of an action, for the audit log: `dag.trigger`. Every route that changes something has one. */
  readonly action?: string
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
}

export interface AnswerRoute extends Common {
  readonly is: 'answer'
  readonly response: z.ZodType
  handle(request: ApiRequest<unknown, unknown, unknown>): unknown
}

export interface EventsRoute extends Common {
  readonly is: 'events'
  /** Each event by its name. */
  readonly events: Readonly<Record<string, z.ZodType>>
  handle(request: ApiRequest<unknown, unknown, unknown>): AsyncIterable<ServerEvent>
}

export type Route = AnswerRoute | EventsRoute

type Parsed<S> = S extends z.ZodType<infer T> ? T : undefined

interface Written<P, Q, B> extends Omit<Common, 'params' | 'query' | 'body'> {
  readonly params?: P
  readonly query?: Q
  readonly body?: B
}

/** A route that answers once; the types of its request and answer come from its schemas. */
export function answer<R extends z.ZodType, P extends z.ZodType = never, Q extends z.ZodType = never, B extends z.ZodType = never>(
  route: Written<P, Q, B> & {
    readonly response: R
    handle(request: ApiRequest<Parsed<P>, Parsed<Q>, Parsed<B>>): z.input<R> | Promise<z.input<R>>
  },
): AnswerRoute {
  // Requests are parsed by the route's own schemas before `handle` sees them.
  return { ...route, is: 'answer', handle: (request) => route.handle(request as never) }
}

/** A route that answers with server-sent events until its reader goes away. */
export function events<P extends z.ZodType = never, Q extends z.ZodType = never>(
  route: Written<P, Q, never> & {
    readonly events: Readonly<Record<string, z.ZodType>>
    handle(request: ApiRequest<Parsed<P>, Parsed<Q>, undefined>): AsyncIterable<ServerEvent>
  },
): EventsRoute {
  return { ...route, is: 'events', handle: (request) => route.handle(request as never) }
}
