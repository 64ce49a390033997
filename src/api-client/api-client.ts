import { request } from 'node:http'
import type {
  AlertsView,
  AlertTestView,
  DagView,
  DeadLetterDetail,
  DeadLetterPage,
  DeadLetterState,
  DeadLetterView,
  DoctorReport,
  EndpointsView,
  Json,
  ResetView,
  RunDetail,
  RunView,
  SettledLetter,
  SourceCursorView,
  StatusView,
  StreamOffsetsView,
} from '../core/index.ts'
import { errnoOf, messageOf, MillraceError, type ErrorJson } from '../platform/index.ts'

export type Role = 'viewer' | 'operator' | 'admin'

export interface UserView {
  name: string
  role: Role
  createdAt: string
}

export interface TokenView extends UserView {
  id: string
}

/** A line of the audit log. */
export interface AuditView {
  at: string
  who: string
  action: string
  target: string | null
  outcome: 'done' | 'refused'
  error: string | null
}

export interface LogChunk {
  attempt: number
  text: string
  /** Byte to go on from. */
  next: number
  sizeBytes: number
}

/** The API of a running Millrace, typed. Every call rejects with the server's MillraceError, or NOT_RUNNING when nobody answers. */
export interface ApiClient {
  status(): Promise<StatusView>
  doctor(): Promise<DoctorReport>
  endpoints(): Promise<EndpointsView>
  alerts(): Promise<AlertsView>
  testAlerts(): Promise<AlertTestView>
  stop(): Promise<void>
  dags(): Promise<DagView[]>
  trigger(
    dag: string,
    body?: { params?: Record<string, Json>; runId?: string; onlyIfNoRuns?: boolean },
  ): Promise<{ run: RunView; created: boolean }>
  setPaused(dag: string, paused: boolean): Promise<void>
  runs(filter?: { dag?: string; limit?: number }): Promise<RunView[]>
  run(dag: string, run: string): Promise<RunDetail>
  cancelRun(dag: string, run: string, reason: string): Promise<RunView>
  log(dag: string, run: string, task: string, options?: { attempt?: number; from?: number }): Promise<LogChunk>
  /** A link that signs in to the console once, within the hour; null without a console. */
  signInLink(): Promise<string | null>
  users(): Promise<UserView[]>
  addUser(user: { name: string; role: Role; password: string }): Promise<void>
  changeUser(name: string, change: { role?: Role; password?: string }): Promise<void>
  removeUser(name: string): Promise<void>
  tokens(): Promise<TokenView[]>
  /** The token itself is told here, once. */
  addToken(token: { name: string; role: Role }): Promise<TokenView & { token: string }>
  removeToken(id: string): Promise<void>
  /** Newest first. */
  audit(limit: number): Promise<AuditView[]>
  /** The newest `limit` of each stream, oldest first. */
  deadLetters(filter?: DeadLetterFilter & { stream?: string }): Promise<DeadLetterView[]>
  /** Newest first. */
  deadLetterPage(stream: string, filter?: DeadLetterFilter & { before?: string }): Promise<DeadLetterPage>
  deadLetter(stream: string, id: string): Promise<DeadLetterDetail>
  replay(stream: string, order: { ids: string[]; values?: Record<string, Json>; as?: 'json' | 'text' }): Promise<SettledLetter[]>
  discard(stream: string, ids: string[]): Promise<SettledLetter[]>
  streamOffsets(stream: string): Promise<StreamOffsetsView>
  /** What `resetStream` would do. */
  planReset(stream: string, order: ResetOrder): Promise<ResetView>
  /** `skip`: records may be left unread. */
  resetStream(stream: string, order: ResetOrder & { skip: boolean }): Promise<ResetView>
  sources(): Promise<SourceCursorView[]>
  /** Resolves to the cursor that was. */
  resetSource(source: string): Promise<SourceCursorView>
}

export interface ResetOrder {
  /** earliest, latest, an offset, a time (ISO 8601). */
  to: string
  /** All when left out. */
  partition?: number
}

export interface DeadLetterFilter {
  /** `open` when left out; `failed-again` are the open ones that were replayed before. */
  state?: DeadLetterState | 'failed-again' | 'all'
  reason?: string
  /** ISO 8601. */
  since?: string
  limit?: number
}

export function createApiClient(socketPath: string): ApiClient {
  const get = <T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> =>
    call<T>(socketPath, 'GET', withQuery(path, query))
  const post = <T>(path: string, body: Json = {}, method = 'POST'): Promise<T> => call<T>(socketPath, method, path, body)
  const lettersPath = (stream: string): string => `/dead-letters/${encodeURIComponent(stream)}`
  const streamPath = (stream: string): string => `/streams/${encodeURIComponent(stream)}`
  const runPath = (dag: string, run: string): string => `/dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`
  return {
    status: () => get('/status'),
    doctor: () => get('/doctor'),
    endpoints: () => get('/endpoints'),
    alerts: () => get('/alerts'),
    testAlerts: () => post('/alerts/test'),
    stop: async () => {
      await post('/stop')
    },
    dags: () => get('/dags'),
    trigger: (dag, body = {}) => post(`/dags/${encodeURIComponent(dag)}/runs`, { ...body }),
    setPaused: async (dag, paused) => {
      await post(`/dags/${encodeURIComponent(dag)}/paused`, { paused }, 'PUT')
    },
    runs: (filter = {}) => get('/runs', { ...filter }),
    run: (dag, run) => get(runPath(dag, run)),
    cancelRun: (dag, run, reason) => post(`${runPath(dag, run)}/cancel`, { reason }),
    log: (dag, run, task, options = {}) => get(`${runPath(dag, run)}/tasks/${encodeURIComponent(task)}/log`, { ...options }),
    signInLink: async () => (await post<{ url: string | null }>('/sign-in-links')).url,
    users: () => get('/users'),
    addUser: async (user) => {
      await post('/users', user)
    },
    changeUser: async (name, change) => {
      await post(`/users/${encodeURIComponent(name)}`, change, 'PUT')
    },
    removeUser: async (name) => {
      await call(socketPath, 'DELETE', `/users/${encodeURIComponent(name)}`)
    },
    tokens: () => get('/tokens'),
    addToken: (token) => post('/tokens', token),
    removeToken: async (id) => {
      await call(socketPath, 'DELETE', `/tokens/${encodeURIComponent(id)}`)
    },
    audit: (limit) => get('/audit', { limit }),
    deadLetters: (filter = {}) => get('/dead-letters', { ...filter }),
    deadLetterPage: (stream, filter = {}) => get(lettersPath(stream), { ...filter }),
    deadLetter: (stream, id) => get(`${lettersPath(stream)}/${encodeURIComponent(id)}`),
    replay: (stream, order) => post(`${lettersPath(stream)}/replay`, { ...order }),
    discard: (stream, ids) => post(`${lettersPath(stream)}/discard`, { ids }),
    streamOffsets: (stream) => get(`${streamPath(stream)}/offsets`),
    planReset: (stream, order) => get(`${streamPath(stream)}/reset`, { ...order }),
    resetStream: (stream, order) => post(`${streamPath(stream)}/reset`, { ...order }),
    sources: () => get('/sources'),
    resetSource: (source) => post(`/sources/${encodeURIComponent(source)}/reset`),
  }
}

function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
  return search.size === 0 ? path : `${path}?${search.toString()}`
}

const callTimeoutMs = 60_000

function call<T>(socketPath: string, method: string, path: string, body?: Json): Promise<T> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
    const outgoing = request({ socketPath, method, path: `/api/v1${path}`, headers, timeout: callTimeoutMs }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const answer: unknown = parseAnswer(Buffer.concat(chunks).toString('utf8'))
        if ((response.statusCode ?? 500) < 400) resolve(answer as T)
        else reject(problemError(answer, response.statusCode ?? 500))
      })
      response.on('error', reject)
    })
    outgoing.on('timeout', () =>
      outgoing.destroy(new MillraceError('TIMED_OUT', `Millrace did not answer ${method} ${path} within ${callTimeoutMs / 1_000} s.`)),
    )
    outgoing.on('error', (error) => reject(notRunning(error)))
    outgoing.end(payload)
  })
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function problemError(answer: unknown, status: number): MillraceError {
  if (typeof answer === 'object' && answer !== null && 'code' in answer && 'detail' in answer) {
    return MillraceError.fromJSON({
      code: answer.code as ErrorJson['code'],
      message: String(answer.detail),
      retriable: 'retriable' in answer && answer.retriable === true,
    })
  }
  return new MillraceError('INTERNAL', `Millrace answered with status ${status}.`)
}

function notRunning(error: Error): Error {
  if (error instanceof MillraceError) return error
  const errno = errnoOf(error)
  if (errno === 'ENOENT' || errno === 'ECONNREFUSED')
    return new MillraceError('NOT_RUNNING', 'Millrace is not running: start it with "millrace start".', { cause: error })
  return new MillraceError('UNREACHABLE', `Millrace did not answer: ${messageOf(error)}`, { cause: error })
}
