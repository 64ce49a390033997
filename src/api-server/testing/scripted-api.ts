import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AlertsView, DagView, Project, RunDetail, RunView, StatusView } from '../../core/index.ts'
import type { StreamMotion } from '../health.ts'
import { MillraceError, silentLogger, systemClock } from '../../platform/index.ts'
import type { ConsoleScope } from '../console-scope.ts'
import { Access, AuditLog, decodeWithoutSchema, startApiServer, type ApiPorts } from '../index.ts'
import type { Role } from '../access/roles.ts'

const run: RunDetail = {
  dagId: 'users',
  runId: 'run 1',
  state: 'running',
  reason: null,
  trigger: 'manual',
  logicalDate: '2026-01-01T00:00:00.000Z',
  dataInterval: { start: '2026-01-01T00:00:00.000Z', end: '2026-01-02T00:00:00.000Z' },
  queuedAt: '2026-01-01T00:00:00.000Z',
  startedAt: null,
  endedAt: null,
  params: {},
  dagVersion: 1,
  tasks: [],
}

const dag: DagView = {
  id: 'users',
  schedule: null,
  paused: false,
  nextRun: null,
  lastRun: null,
  runCount: 1,
  tasks: ['t'],
  owner: null,
  tags: [],
  version: 1,
}

/** Nothing of it is personal. */
const visits: Project['topics'][number] = { name: 'visits', schema: 'Visit', key: [], partitions: 1, configs: {} }

/** An API over ports that answer from `state`, with a user of each role. */
export interface ScriptedApi extends AsyncDisposable {
  readonly url: string
  readonly socket: string
  readonly dataDir: string
  readonly access: Access
  readonly state: {
    status: StatusView
    project: Project
    motions: StreamMotion[]
    alerts: AlertsView
    run: RunDetail
    logPath: string
    consoleFolder: string | null
    stops: number
    kafka: ApiPorts['data']['kafka']
    cassandra: ApiPorts['data']['cassandra']
  }
  signInLink(): string
  /** A session of a user with this role, as a browser holds it. */
  signIn(role: Role): Promise<Session>
}

export interface Session {
  readonly cookie: string
  readonly csrf: string
}

/** Where it is served. */
interface Web {
  readonly basePath?: string
  readonly trustedProxies?: readonly string[]
}

const password = 'correct horse battery'

export async function startScriptedApi(scope: Partial<ConsoleScope> = {}, web: Web = {}): Promise<ScriptedApi> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-api-'))
  const state: ScriptedApi['state'] = {
    status: emptyStatus,
    project: { name: 'users', schemas: [], topics: [visits], tables: [], streams: [], dags: [] },
    motions: [],
    alerts: { firing: [], webhook: { host: null, waiting: 0, delivered: 0, failed: 0, lastError: null } },
    run,
    logPath: join(dataDir, 'attempt.log'),
    consoleFolder: null,
    stops: 0,
    kafka: () => Promise.reject(new MillraceError('UNREACHABLE', 'no Kafka here')),
    cassandra: () => Promise.reject(new MillraceError('UNREACHABLE', 'no Cassandra here')),
  }
  const access = await Access.open(dataDir, systemClock)
  for (const role of ['viewer', 'operator'] as const) await access.addUser(role, role, password)
  await access.changeUser('admin', { password })
  const api = await startApiServer({ ports: scriptedPorts(state), access, audit: new AuditLog(dataDir, systemClock), log: silentLogger })
  const opened = await api.openWeb({
    host: '127.0.0.1',
    port: 0,
    hosts: ['millrace.example'],
    instance: 'millrace-0123456789abcdef',
    version: '1.2.3',
    basePath: '',
    trustedProxies: [],
    ...web,
    scope: { project: true, readOnly: false, systems: ['kafka', 'cassandra'], ...scope },
    consoleFolder: () => state.consoleFolder,
  })
  return {
    url: opened.address,
    socket: api.address,
    dataDir,
    access,
    state,
    signInLink: () => opened.signInLink(),
    signIn: (role) => signIn(opened.address, role),
    [Symbol.asyncDispose]: async () => {
      await api.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function signIn(url: string, user: string): Promise<Session> {
  const response = await post(`${url}/api/v1/session`, { user, password })
  const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const me = (await (await fetch(`${url}/api/v1/me`, { headers: { cookie } })).json()) as { csrf: string }
  return { cookie, csrf: me.csrf }
}

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}

const emptyStatus: StatusView = {
  project: 'users',
  projectDir: '/project',
  dataDir: '/project/.millrace',
  pid: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  parts: [{ name: 'kafka', is: 'embedded', address: '127.0.0.1:9092', state: 'ok', detail: '' }],
  loadError: null,
  warnings: [],
  flows: [
    {
      stream: 'load_users',
      topic: 'users_created',
      table: 'a.b',
      fetched: 60,
      inTopic: 60,
      inTable: null,
      deadLetters: 0,
      isExact: true,
      lag: 0,
    },
  ],
  streams: [],
  alerts: [],
}

const nothingThere = (): Promise<never> => Promise.reject(new MillraceError('NOT_FOUND', 'nothing is there'))

/** As lists have it. */
function withoutTasks({ tasks: _tasks, ...run }: RunDetail): RunView {
  return run
}

function scriptedPorts(state: ScriptedApi['state']): ApiPorts {
  return {
    status: () => Promise.resolve(state.status),
    doctor: ({ hidePersonal }) =>
      Promise.resolve({ summary: hidePersonal ? 'hidden' : 'well', healthy: true, steps: [], administrator: [] }),
    endpoints: () =>
      Promise.resolve({
        project: null,
        endpoints: {
          kafka: { bootstrapServers: [], topics: { create: 'auto', replicationFactor: -1, minInsyncReplicas: null, configs: {} } },
          cassandra: { contactPoints: [], localDataCenter: 'datacenter1', consistency: 'ONE', readConsistency: 'ONE' },
          registry: null,
        },
      }),
    project: () => state.project,
    masking: () => state.project,
    deadLetters: {
      list: () => Promise.resolve({ letters: [], next: null, counts: { open: 0, replayed: 0, discarded: 0, failedAgain: 0 }, reasons: [] }),
      one: () => Promise.resolve(null),
      replay: () => Promise.resolve([]),
      discard: () => Promise.resolve([]),
    },
    offsets: {
      of: nothingThere,
      plan: nothingThere,
      reset: nothingThere,
      cursors: () => Promise.resolve([]),
      forget: nothingThere,
    },
    streams: () => ['load_users'],
    streamMotions: () => state.motions,
    alerts: {
      view: () => state.alerts,
      test: () => Promise.resolve({ host: 'hooks.example.org', status: 200, error: null, body: 'ok' }),
    },
    scheduler: {
      dags: () => Promise.resolve([{ ...dag, lastRun: withoutTasks(state.run) }]),
      runs: () => Promise.resolve([withoutTasks(state.run)]),
      run: () => Promise.resolve(state.run),
      trigger: () => Promise.resolve({ run: state.run, created: true }),
      cancelRun: () => Promise.resolve(state.run),
      setPaused: () => Promise.resolve(),
      attemptLog: () => Promise.resolve({ path: state.logPath, attempt: 1 }),
    },
    data: {
      kafka: () => state.kafka(),
      cassandra: () => state.cassandra(),
      values: { makeReadyFor: () => Promise.resolve(), decode: decodeWithoutSchema, encode: () => Promise.resolve(new Uint8Array()) },
    },
    stop: () => {
      state.stops++
    },
  }
}
