import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startingStatus, type Project } from '../core/index.ts'
import type { Role } from './access/roles.ts'
import { startScriptedApi, type ScriptedApi } from './testing/scripted-api.ts'

const secret = 'ann@example.org'
const error = { code: 'RECORD_INVALID' as const, message: `no such user ${secret}`, retriable: false }
let api: ScriptedApi
let open: Project

beforeAll(async () => {
  api = await startScriptedApi()
  open = api.state.project
  const lastDeadLetter = { reason: 'step', message: `no such user ${secret}`, topic: 'users', partition: 0, offset: '1' }
  const stream = { ...startingStatus('load_users'), lastDeadLetter, state: { is: 'stopped' as const, error } }
  api.state.status = { ...api.state.status, streams: [stream] }
  const attempt = { attempt: 1, state: 'failed' as const, reason: secret, startedAt: '', endedAt: '2026-01-01T00:00:00.000Z', logPath: '' }
  const task = { taskId: 't', state: 'failed' as const, attempt: 1, startedAt: '', endedAt: '', wakesAt: null, progress: null }
  api.state.run = { ...api.state.run, params: { email: secret }, tasks: [{ ...task, error, attempts: [attempt] }] }
  writeFileSync(api.state.logPath, `fetched ${secret}\n`)
})
afterAll(() => api[Symbol.asyncDispose]())

/** All texts of the answer; of events those of the first second. */
async function read(role: Role, path: string): Promise<string> {
  const { cookie } = await api.signIn(role)
  const hangUp = new AbortController()
  const response = await fetch(`${api.url}/api/v1${path}`, { headers: { cookie }, signal: hangUp.signal })
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes('event: runs') || text.includes('event: end')) break
  }
  hangUp.abort()
  expect(response.status).toBe(200)
  return text
}

const email: Project['schemas'][number] = { name: 'User', fields: [{ name: 'email', type: { is: 'text' }, nullable: false, pii: true }] }
const paths = [
  '/status',
  '/events',
  '/dags',
  '/runs',
  '/dags/users/runs/run%201',
  '/dags/users/runs/run%201/tasks/t/log',
  '/dags/users/runs/run%201/tasks/t/log/events',
]

describe.each(paths)('%s', (path) => {
  test('tells viewers nothing that was thrown, printed or given, where a field is personal', async () => {
    api.state.project = { ...open, schemas: [email] }
    expect(await read('viewer', path)).not.toContain(secret)
    expect(await read('operator', path)).toContain(secret)
  })

  test('tells it where nothing is personal', async () => {
    api.state.project = open
    expect(await read('viewer', path)).toContain(secret)
  })
})

test('the doctor is told who asks', async () => {
  api.state.project = { ...open, schemas: [email] }
  expect([await read('viewer', '/doctor'), await read('operator', '/doctor')]).toEqual([
    expect.stringContaining('hidden'),
    expect.stringContaining('well'),
  ])
})
