import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onlyReads, withoutTexts } from './data/table-browser.ts'
import { post, startScriptedApi, type ScriptedApi, type Session } from './testing/scripted-api.ts'

let api: ScriptedApi
let admin: Session
let headers: Record<string, string>

beforeAll(async () => {
  api = await startScriptedApi({ project: false, readOnly: true, systems: ['kafka'] }, { basePath: '/tools/mill' })
  admin = await api.signIn('admin')
  headers = { cookie: admin.cookie, 'x-millrace-csrf': admin.csrf }
})
afterAll(() => api[Symbol.asyncDispose]())

describe('a console that only reads', () => {
  test('refuses an admin every change of every route, and says what to do', async () => {
    const { paths } = (await (await fetch(`${api.url}/api/v1/openapi.json`, { headers })).json()) as {
      paths: Record<string, Record<string, unknown>>
    }
    const changes = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ method, path })))
    const refused = changes.filter(({ method, path }) => method !== 'get' && !/\/(session|cql)$/.test(path))
    expect(refused.length).toBeGreaterThan(8)
    for (const { method, path } of refused) {
      const url = api.url + path.replaceAll(/\{\w+\}/g, 'x')
      const answer = await fetch(url, {
        method: method.toUpperCase(),
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{}',
      })
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      const { code, detail } = (await answer.json()) as { code: string; detail: string }
      expect([path, answer.status, code, detail]).toEqual([path, 403, 'FORBIDDEN', expect.stringContaining('--write')])
    }
  })

  test('takes statements that only read, from who may send any', async () => {
    const statusOf = async (cql: string): Promise<number> => (await post(`${api.url}/api/v1/cql`, { cql }, headers)).status
    // There is no Cassandra behind it.
    expect(await statusOf('SELECT * FROM a.b')).toBe(502)
    expect(await statusOf('INSERT INTO a.b (c) VALUES (1)')).toBe(403)
    expect(await statusOf('TRUNCATE a.b')).toBe(403)
  })

  test('tells the pages what there is', async () => {
    const me = await (await fetch(`${api.url}/api/v1/me`, { headers })).json()
    expect(me).toMatchObject({ console: { project: false, readOnly: true, systems: ['kafka'] } })
  })
})

test.each([
  ['SELECT * FROM a.b', true],
  ['-- why\nSELECT * FROM a.b', true],
  ['/* why */ // how\r\n select a from b.c', true],
  ['DESCRIBE TABLES', true],
  ['UPDATE a.b SET c = 1 WHERE d = 2 -- SELECT', false],
  // A line ends at a carriage return for Cassandra: the statement is DROP.
  ['--\rDROP TABLE a.b /*\nSELECT 1 */', false],
  ['//\rTRUNCATE a.b /*\nSELECT 1 */', false],
  ['SELECTED', false],
])('%j only reads: %s', (cql, expected) => {
  expect(onlyReads(cql)).toBe(expected)
})

test.each([
  ["CREATE ROLE a WITH PASSWORD = 'it''s hush' AND LOGIN = true", "CREATE ROLE a WITH PASSWORD = '…' AND LOGIN = true"],
  ["ALTER ROLE a WITH PASSWORD = $$it's hush$$", "ALTER ROLE a WITH PASSWORD = '…'"],
  ["-- don't\nALTER ROLE a WITH PASSWORD = 'hush'", "\nALTER ROLE a WITH PASSWORD = '…'"],
  ["/* it's */ALTER ROLE a WITH PASSWORD = 'hush' // 'hush", "ALTER ROLE a WITH PASSWORD = '…' "],
  [`ALTER ROLE "o'hara" WITH PASSWORD = 'hush'`, `ALTER ROLE "o'hara" WITH PASSWORD = '…'`],
  ["ALTER ROLE a WITH PASSWORD = 'hush", "ALTER ROLE a WITH PASSWORD = '…'"],
  ['/* hush', ''],
])('of %j the audit log has no text', (cql, expected) => {
  expect(withoutTexts(cql)).toBe(expected)
})

describe('below a base path', () => {
  beforeAll(() => {
    const folder = join(api.dataDir, 'console')
    mkdirSync(join(folder, 'assets'), { recursive: true })
    writeFileSync(join(folder, 'index.html'), '<meta name="base-path" content="__BASE_PATH__"><script src="./assets/main-abc.js">')
    writeFileSync(join(folder, 'assets', 'main-abc.js'), 'script')
    api.state.consoleFolder = folder
  })

  test('the page names where its files are, and they are there, whether a proxy takes the path off or not', async () => {
    const page = '<meta name="base-path" content="/tools/mill"><script src="/tools/mill/assets/main-abc.js">'
    for (const path of ['/tools/mill', '/tools/mill/', '/tools/mill/topics/x', '/tools/mill?a=b', '/', '/topics/x'])
      expect(await (await fetch(api.url + path)).text()).toBe(page)
    for (const path of ['/tools/mill/assets/main-abc.js', '/assets/main-abc.js'])
      expect(await (await fetch(api.url + path)).text()).toBe('script')
    expect((await fetch(`${api.url}/tools/mill/healthz`)).status).toBe(200)
    expect((await fetch(`${api.url}/tools/mill/api/v1/me`)).status).toBe(401)
    // Another path that begins alike is a page.
    expect((await fetch(`${api.url}/tools/millapi/v1/me`)).status).toBe(200)
  })

  test('the link and the cookie are for it alone', async () => {
    const link = new URL(api.signInLink())
    expect(link.pathname).toBe('/tools/mill/sign-in')
    const answer = await post(`${api.url}/tools/mill/api/v1/session`, { link: link.hash.slice(1) })
    expect(answer.headers.get('set-cookie')).toContain('; Path=/tools/mill/;')
  })
})

test('a HEAD of events is not answered without end; health is asked by HEAD too', async () => {
  const head = (path: string): Promise<Response> => fetch(api.url + path, { method: 'HEAD', headers, signal: AbortSignal.timeout(20_000) })
  expect((await head('/api/v1/events')).status).toBe(404)
  expect((await head('/healthz')).status).toBe(200)
})
