import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Role } from './access/roles.ts'
import { post, startScriptedApi, type ScriptedApi, type Session } from './testing/scripted-api.ts'

let api: ScriptedApi
const sessions = new Map<Role, Session>()

beforeAll(async () => {
  api = await startScriptedApi()
  for (const role of ['viewer', 'operator', 'admin'] as const) sessions.set(role, await api.signIn(role))
})
afterAll(() => api[Symbol.asyncDispose]())

/** The least role of each route, as the console's reference page says. */
const leastRole: Record<string, Role> = {
  'GET /status': 'viewer',
  'GET /doctor': 'viewer',
  'GET /project': 'viewer',
  'GET /events': 'viewer',
  'GET /dags': 'viewer',
  'POST /dags/{dag}/runs': 'operator',
  'PUT /dags/{dag}/paused': 'operator',
  'GET /alerts': 'viewer',
  'POST /alerts/test': 'operator',
  'GET /runs': 'viewer',
  'GET /dags/{dag}/runs/{run}': 'viewer',
  'POST /dags/{dag}/runs/{run}/cancel': 'operator',
  'GET /dags/{dag}/runs/{run}/tasks/{task}/log': 'viewer',
  'GET /dags/{dag}/runs/{run}/tasks/{task}/log/events': 'viewer',
  'GET /dead-letters': 'viewer',
  'GET /dead-letters/{stream}': 'viewer',
  'GET /dead-letters/{stream}/{id}': 'viewer',
  'POST /dead-letters/{stream}/replay': 'operator',
  'POST /dead-letters/{stream}/discard': 'operator',
  'GET /streams/{stream}/offsets': 'viewer',
  'GET /streams/{stream}/reset': 'viewer',
  'POST /streams/{stream}/reset': 'operator',
  'GET /sources': 'operator',
  'POST /sources/{source}/reset': 'operator',
  'GET /topics': 'viewer',
  'GET /topics/{topic}': 'viewer',
  'GET /topics/{topic}/records': 'viewer',
  'POST /topics/{topic}/records': 'operator',
  'GET /topics/{topic}/tail': 'viewer',
  'GET /topics/{topic}/search': 'viewer',
  'GET /tables': 'viewer',
  'GET /tables/{keyspace}/{table}/rows': 'viewer',
  'POST /cql': 'operator',
  'GET /follow': 'viewer',
  'GET /users': 'admin',
  'POST /users': 'admin',
  'PUT /users/{user}': 'admin',
  'DELETE /users/{user}': 'admin',
  'GET /tokens': 'admin',
  'POST /tokens': 'admin',
  'DELETE /tokens/{token}': 'admin',
  'GET /audit': 'admin',
  'PUT /me/password': 'viewer',
  'DELETE /session': 'viewer',
  'GET /me': 'viewer',
}
/** 502: the systems behind these routes are not there. */
const allowed = [200, 400, 404, 502]
const order: readonly Role[] = ['viewer', 'operator', 'admin']

/** Without a body that fits: who may, is told what is wrong with it (400) or that it is not there (404). */
async function ask(route: string, headers: Record<string, string>): Promise<number> {
  const [method = 'GET', path = ''] = route.split(' ')
  const url = `${api.url}/api/v1${path.replaceAll(/\{\w+\}/g, 'x')}`
  const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(60_000) })
  await response.body?.cancel()
  return response.status
}

async function documented(): Promise<string[]> {
  const response = await fetch(`${api.url}/api/v1/openapi.json`, { headers: { cookie: sessions.get('viewer')?.cookie ?? '' } })
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
  )
}

test('each route stands in OpenAPI and in this table of roles', async () => {
  expect((await documented()).toSorted()).toEqual([...Object.keys(leastRole), 'POST /session'].toSorted())
})

// Signing out would end the session that the other rows use.
const rows = Object.entries(leastRole).filter(([route]) => route !== 'DELETE /session')
describe.each(rows)('%s', (route, least) => {
  test('is refused without a session (401)', async () => {
    expect(await ask(route, {})).toBe(401)
    expect(await ask(route, { authorization: 'Bearer mr_nobody' })).toBe(401)
  })

  test.each(order)('as %s', async (role) => {
    const session = sessions.get(role)
    const status = await ask(route, { cookie: session?.cookie ?? '', 'x-millrace-csrf': session?.csrf ?? '' })
    if (order.indexOf(role) < order.indexOf(least)) expect(status).toBe(403)
    else expect(allowed).toContain(status)
  })

  test('as a token of the role, without CSRF', async () => {
    const { secret, token } = api.access.addToken('machine', least)
    expect(allowed).toContain(await ask(route, { authorization: `Bearer ${secret}` }))
    api.access.store.removeToken(token.id)
    expect(await ask(route, { authorization: `Bearer ${secret}` })).toBe(401)
  })
})

test.each(rows.filter(([route]) => !route.startsWith('GET')))(
  '%s is refused without the CSRF token of the session',
  async (route, least) => {
    const { cookie = '' } = sessions.get(least) ?? {}
    expect(await ask(route, { cookie })).toBe(403)
    expect(await ask(route, { cookie, 'x-millrace-csrf': 'x'.repeat(43) })).toBe(403)
    expect(await ask(route, { cookie, 'x-millrace-csrf': sessions.get(least === 'admin' ? 'viewer' : 'admin')?.csrf ?? '' })).toBe(403)
  },
)

/** `fetch` sets Host and Origin by itself. */
function raw(path: string, headers: Record<string, string>, method = 'GET', body = ''): Promise<number> {
  const { hostname, port } = new URL(api.url)
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

describe('pages elsewhere cannot drive it (P8)', () => {
  const cookie = (): string => sessions.get('admin')?.cookie ?? ''

  test('a name that was made to point here is refused on every path', async () => {
    for (const path of ['/api/v1/status', '/', '/healthz', '/metrics', '/assets/x.js'])
      expect(await raw(path, { host: 'attacker.example', cookie: cookie() })).toBe(403)
    expect(await raw('/api/v1/status', { host: 'millrace.example', cookie: cookie() })).toBe(200)
  })

  test('a request from another origin is refused, whatever it carries', async () => {
    const { csrf = '' } = sessions.get('admin') ?? {}
    const headers = { cookie: cookie(), 'x-millrace-csrf': csrf, 'content-type': 'application/json', host: new URL(api.url).host }
    expect(await raw('/api/v1/tokens', { ...headers, origin: 'http://attacker.example' }, 'POST', '{}')).toBe(403)
    expect(await raw('/api/v1/tokens', { ...headers, origin: 'http://127.0.0.1:1' }, 'POST', '{}')).toBe(403)
    expect(await raw('/api/v1/tokens', { ...headers, 'sec-fetch-site': 'cross-site' }, 'POST', '{}')).toBe(403)
    expect(await raw('/api/v1/tokens', { ...headers, origin: api.url }, 'POST', '{}')).toBe(400)
  })

  test('a form cannot be sent', async () => {
    const host = new URL(api.url).host
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data'])
      expect(await raw('/api/v1/session', { host, 'content-type': type }, 'POST', '{"user":"admin","password":"x"}')).toBe(400)
  })
})

describe('signing in', () => {
  test('a link signs in once', async () => {
    const link = new URL(api.signInLink())
    expect(link.search).toBe('')
    const body = { link: link.hash.slice(1) }
    const first = await post(`${api.url}/api/v1/session`, body)
    expect([first.status, await first.json()]).toEqual([200, { name: 'admin', role: 'admin' }])
    expect(first.headers.get('set-cookie')).toMatch(/^millrace_\w+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/)
    expect((await post(`${api.url}/api/v1/session`, body)).status).toBe(401)
  })

  test('signing out ends the session for good', async () => {
    const { cookie, csrf } = await api.signIn('viewer')
    const headers = { cookie, 'x-millrace-csrf': csrf }
    expect((await fetch(`${api.url}/api/v1/session`, { method: 'DELETE', headers })).status).toBe(200)
    expect((await fetch(`${api.url}/api/v1/me`, { headers })).status).toBe(401)
  })

  test('the files hold no secret that opens anything', async () => {
    const { cookie, csrf } = await api.signIn('operator')
    const { secret } = api.access.addToken('ci', 'viewer')
    const text = readFileSync(join(api.dataDir, 'access.json'), 'utf8') + readFileSync(join(api.dataDir, 'audit.log'), 'utf8')
    for (const each of [cookie.split('=')[1] ?? '', secret, 'correct horse battery']) expect(text).not.toContain(each)
    expect(csrf).not.toBe('')
    expect(statSync(join(api.dataDir, 'access.json')).mode & 0o777).toBe(0o600)
  })

  test('wrong passwords are told apart from nothing, and soon have to wait', async () => {
    const guess = (user: string): Promise<Response> => post(`${api.url}/api/v1/session`, { user, password: 'guess' })
    const answers = []
    for (let i = 0; i < 7; i++) answers.push(await guess(i % 2 === 0 ? 'admin' : 'nobody'))
    const problems = await Promise.all(answers.map(async (each) => (await each.json()) as { code: string; detail: string }))
    expect(problems[0]).toEqual(problems[1])
    expect(problems.map(({ code }) => code).slice(5)).toEqual(['TOO_MANY_ATTEMPTS', 'TOO_MANY_ATTEMPTS'])
    expect(answers[6]?.status).toBe(429)
    expect(Number(answers[6]?.headers.get('retry-after'))).toBeGreaterThan(0)
    // Sent at once, no more than the free ones are looked at.
    const burst = await Promise.all(Array.from({ length: 20 }, () => guess('admin')))
    // On a slow machine the first wait may be over; not those of all.
    expect(burst.filter(({ status }) => status !== 429).length).toBeLessThanOrEqual(2)
  })
})

test('the audit log says who did what, and what was refused', async () => {
  const { cookie = '', csrf = '' } = sessions.get('admin') ?? {}
  const headers = { cookie, 'x-millrace-csrf': csrf }
  await post(`${api.url}/api/v1/users`, { name: 'ann', role: 'viewer', password: 'long enough it is' }, headers)
  await post(`${api.url}/api/v1/users`, { name: 'ann', role: 'viewer', password: 'long enough it is' }, headers)
  const entries = (await (await fetch(`${api.url}/api/v1/audit?limit=2`, { headers })).json()) as Record<string, unknown>[]
  expect(entries).toMatchObject([
    {
      who: 'admin',
      role: 'admin',
      via: 'session',
      action: 'user.add',
      target: 'ann',
      outcome: 'refused',
      error: 'There is a user ann already.',
    },
    { who: 'admin', action: 'user.add', target: 'ann', after: { role: 'viewer' }, outcome: 'done', error: null },
  ])
  expect(JSON.stringify(entries)).not.toContain('long enough')
})

test('the audit log has no text of a CQL statement, and is read past a line that a crash cut off', async () => {
  const { cookie = '', csrf = '' } = sessions.get('admin') ?? {}
  const headers = { cookie, 'x-millrace-csrf': csrf }
  appendFileSync(join(api.dataDir, 'audit.log'), '{"at":"2026-\n')
  await post(`${api.url}/api/v1/cql`, { cql: "CREATE ROLE ann WITH PASSWORD = 'it''s hush' AND LOGIN = true" }, headers)
  await post(`${api.url}/api/v1/cql`, { cql: "ALTER ROLE ann WITH PASSWORD = 'hush" }, headers)
  const entries = (await (await fetch(`${api.url}/api/v1/audit?limit=2`, { headers })).json()) as Record<string, unknown>[]
  expect(entries.map(({ target }) => target)).toEqual([
    "ALTER ROLE ann WITH PASSWORD = '…'",
    "CREATE ROLE ann WITH PASSWORD = '…' AND LOGIN = true",
  ])
  expect(readFileSync(join(api.dataDir, 'audit.log'), 'utf8')).not.toContain('hush')
})

test('a run with a long name is found', async () => {
  const { cookie = '' } = sessions.get('viewer') ?? {}
  const run = encodeURIComponent('é'.repeat(200))
  expect((await fetch(`${api.url}/api/v1/dags/users/runs/${run}`, { headers: { cookie } })).status).toBe(200)
})

test('who is removed while the password is checked is not signed in', async () => {
  await api.access.addUser('bob', 'viewer', 'long enough it is')
  const signingIn = api.access.signIn('bob', 'long enough it is', 'an address')
  api.access.store.removeUser('bob')
  await expect(signingIn).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
})

test('hashes of Cassandra’s passwords are for admins', async () => {
  const statusFor = async (role: Role): Promise<number[]> => {
    const { cookie = '', csrf = '' } = sessions.get(role) ?? {}
    const headers = { cookie, 'x-millrace-csrf': csrf }
    const rows = await fetch(`${api.url}/api/v1/tables/system_auth/roles/rows`, { headers })
    const cql = await post(`${api.url}/api/v1/cql`, { cql: 'SELECT salted_hash FROM "system_auth".roles' }, headers)
    return [rows.status, cql.status]
  }
  expect(await statusFor('viewer')).toEqual([403, 403])
  expect(await statusFor('operator')).toEqual([403, 403])
  // There is no Cassandra behind it.
  expect(await statusFor('admin')).toEqual([502, 502])
})

test('nobody sets the keyspace of the connection that all have together: operators would read that of the hashes unnamed', async () => {
  const { cookie = '', csrf = '' } = sessions.get('admin') ?? {}
  const headers = { cookie, 'x-millrace-csrf': csrf }
  for (const cql of ['USE system_auth', '/* why */ use "system_auth";'])
    expect(await (await post(`${api.url}/api/v1/cql`, { cql }, headers)).json()).toMatchObject({ code: 'BAD_REQUEST' })
})

test('the last admin stays', async () => {
  const { cookie = '', csrf = '' } = sessions.get('admin') ?? {}
  const response = await fetch(`${api.url}/api/v1/users/admin`, { method: 'DELETE', headers: { cookie, 'x-millrace-csrf': csrf } })
  expect(response.status).toBe(400)
})
