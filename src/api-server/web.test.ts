import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { post, startScriptedApi, type ScriptedApi } from './testing/scripted-api.ts'

let api: ScriptedApi
let viewer: { cookie: string }

beforeAll(async () => {
  api = await startScriptedApi()
  viewer = { cookie: (await api.signIn('viewer')).cookie }
})
afterAll(() => api[Symbol.asyncDispose]())

/** Events of a stream until `enough`, then hangs up. */
async function readEvents(
  path: string,
  enough: (events: { event: string; id: string; data: unknown }[]) => boolean,
  lastEventId?: string,
): Promise<{ event: string; id: string; data: unknown }[]> {
  const hangUp = new AbortController()
  const headers = { ...viewer, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) }
  const response = await fetch(`${api.url}/api/v1${path}`, { headers, signal: hangUp.signal })
  const events: { event: string; id: string; data: unknown }[] = []
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks.filter((each) => each.includes('data: '))) {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
      events.push({ event: field('event'), id: field('id'), data: JSON.parse(field('data')) })
    }
    if (enough(events)) break
  }
  hangUp.abort()
  return events
}

describe('events', () => {
  test('tell status and runs at once, then what changes, and resume where a reader stopped', async () => {
    const first = await readEvents('/events', (events) => events.length === 2)
    expect(first.map(({ event }) => event)).toEqual(['status', 'runs'])
    api.state.status = { ...api.state.status, warnings: ['changed'] }
    const next = await readEvents('/events', (events) => events.length === 1, first[1]?.id)
    expect(next).toMatchObject([{ event: 'status', data: { warnings: ['changed'] } }])
    const afterRestart = await readEvents('/events', (events) => events.length === 2, 'earlier-99')
    expect(afterRestart.map(({ event }) => event)).toEqual(['status', 'runs'])
  })

  test('end when their reader signs out', async () => {
    const { cookie, csrf } = await api.signIn('operator')
    const response = await fetch(`${api.url}/api/v1/events`, { headers: { cookie } })
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body ?? []) {
      const before = text
      text += decoder.decode(chunk, { stream: true })
      if (before.includes('event: runs') || !text.includes('event: runs')) continue
      await fetch(`${api.url}/api/v1/session`, { method: 'DELETE', headers: { cookie, 'x-millrace-csrf': csrf } })
      api.state.status = { ...api.state.status, warnings: ['for those who are signed in'] }
    }
    expect(text).toContain('AUTHENTICATION_FAILED')
    expect(text).not.toContain('for those who are signed in')
  })

  test('follow a task’s log by whole lines to its end, and go on from a byte', async () => {
    writeFileSync(api.state.logPath, 'first line\nsecond é')
    const path = '/dags/users/runs/run%201/tasks/t/log/events'
    api.state.run = { ...api.state.run, tasks: [taskOf(null)] }
    const reading = readEvents(path, (events) => events.some(({ event }) => event === 'end'))
    const before = await readEvents(path, (events) => events.length === 1)
    expect(before).toMatchObject([{ event: 'text', id: '11', data: { text: 'first line\n' } }])
    appendFileSync(api.state.logPath, ' line\n')
    api.state.run = { ...api.state.run, tasks: [taskOf('2026-01-01T00:00:00.000Z')] }
    const all = await reading
    expect(all.map(({ data }) => (data as { text?: string }).text ?? '').join('')).toBe('first line\nsecond é line\n')
    const rest = await readEvents(path, (events) => events.some(({ event }) => event === 'end'), '11')
    expect(rest.map(({ data }) => data)).toEqual([{ text: 'second é line\n' }, {}])
  })
})

function taskOf(endedAt: string | null): ScriptedApi['state']['run']['tasks'][number] {
  const attempt = { attempt: 1, state: 'running' as const, reason: null, startedAt: '', endedAt, logPath: '' }
  return {
    taskId: 't',
    state: 'running',
    attempt: 1,
    startedAt: '',
    endedAt,
    wakesAt: null,
    progress: null,
    error: null,
    attempts: [attempt],
  }
}

describe('health and metrics', () => {
  test('health needs no sign-in, metrics do', async () => {
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200)
    expect((await fetch(`${api.url}/metrics`)).status).toBe(401)
  })

  test('metrics leave out what could not be counted', async () => {
    const text = await (await fetch(`${api.url}/metrics`, { headers: viewer })).text()
    expect(text).toContain('millrace_topic_records{stream="load_users",topic="users_created",table="a.b"} 60\n')
    expect(text).toContain('millrace_part_up{part="kafka",is="embedded"} 1\n')
    expect(text).not.toContain('millrace_table_rows{')
  })

  test('it is not ready while a stream has been retrying for a minute, or has stopped by an error', async () => {
    api.state.motions = [{ stream: 'load_users', is: 'retrying', forMs: 61_000 }]
    const stalled = await fetch(`${api.url}/readyz`, { headers: viewer })
    expect([stalled.status, await stalled.text()]).toEqual([503, 'load_users has been retrying for 61 s\n'])
    const toAnyone = await fetch(`${api.url}/readyz`)
    expect([toAnyone.status, await toAnyone.text()]).toEqual([503, expect.not.stringContaining('load_users')])
    api.state.motions = [{ stream: 'load_users', is: 'stopped', failed: true }]
    expect((await fetch(`${api.url}/readyz`)).status).toBe(503)
    api.state.motions = [{ stream: 'load_users', is: 'moving' }]
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200)
  })
})

describe('alerts', () => {
  const firing: ScriptedApi['state']['alerts']['firing'][number] = {
    name: 'MillraceStreamLag',
    severity: 'warning',
    subject: { stream: 'load_users' },
    summary: 'load_users: 12,000 records wait',
    description: 'See its rate.',
    startsAt: '2026-01-01T00:00:00.000Z',
  }

  test('are shown to viewers, and are metrics', async () => {
    const webhook = { host: 'hooks.example.org', waiting: 1, delivered: 2, failed: 3, lastError: 'it answered 500' }
    api.state.alerts = { firing: [firing], webhook }
    api.state.status = { ...api.state.status, alerts: [firing] }
    expect(await (await fetch(`${api.url}/api/v1/alerts`, { headers: viewer })).json()).toEqual({ firing: [firing], webhook })
    const metrics = await (await fetch(`${api.url}/metrics`, { headers: viewer })).text()
    expect(metrics).toContain('millrace_alerts_firing{alertname="MillraceStreamLag",severity="warning",stream="load_users"} 1\n')
    expect(metrics).toContain('millrace_alert_messages_total{outcome="delivered"} 2\n')
    expect(metrics).toContain('millrace_alert_messages_total{outcome="failed"} 3\n')
  })

  test('are tried out by operators, not by viewers', async () => {
    const test = async (role: 'viewer' | 'operator'): Promise<Response> => {
      const { cookie, csrf } = await api.signIn(role)
      return post(`${api.url}/api/v1/alerts/test`, {}, { cookie, 'x-millrace-csrf': csrf })
    }
    expect((await test('viewer')).status).toBe(403)
    expect(await (await test('operator')).json()).toEqual({ host: 'hooks.example.org', status: 200, error: null, body: 'ok' })
  })
})

describe('the console', () => {
  /** As it is written: `fetch` would take `..` out of it. */
  function raw(path: string): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
    const { hostname, port } = new URL(api.url)
    return new Promise((resolve, reject) => {
      request({ hostname, port, path }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }))
      })
        .on('error', reject)
        .end()
    })
  }

  beforeAll(() => {
    const folder = join(api.dataDir, 'console')
    mkdirSync(join(folder, 'assets'), { recursive: true })
    writeFileSync(join(folder, 'index.html'), '<meta name="nonce" content="__NONCE__">')
    writeFileSync(join(folder, 'assets', 'main-abc.js'), 'script')
    writeFileSync(join(folder, 'secret.js'), 'hidden words')
  })

  test('says that it is being built while there is none', async () => {
    expect(await raw('/')).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
  })

  test('is one page under every path, with a nonce of its own and no inline script', async () => {
    api.state.consoleFolder = join(api.dataDir, 'console')
    const [one, other] = [await raw('/'), await raw('/topics/users_created?tab=live')]
    for (const { status, text, headers } of [one, other]) {
      expect(status).toBe(200)
      const nonce = /content="([^"]+)"/.exec(text)?.[1] ?? ''
      expect(headers['content-security-policy']).toContain(`'nonce-${nonce}'`)
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self';")
    }
    expect(one.text).not.toBe(other.text)
    expect(await raw('/assets/main-abc.js')).toMatchObject({ status: 200, text: 'script' })
  })

  test.each([
    '/assets/../secret.js',
    '/assets/..%2fsecret.js',
    '/assets/%2e%2e%2fsecret.js',
    '/assets/..%5csecret.js',
    '/../access.json',
    '/assets/%2e%2e/%2e%2e/access.json',
    '/assets/main-abc.js%00.css',
    '/assets//etc/passwd.json',
  ])('%s leads nowhere', async (path) => {
    const { status, text } = await raw(path)
    expect([400, 404]).toContain(status)
    expect(text).not.toContain('hidden words')
  })
})
