import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DoctorReport, StatusView } from '../../src/core/index.ts'
import { apiOf } from '../harness/ask.ts'
import { eventually, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

let project: TestProject
const started: Started[] = []

beforeEach(() => {
  project = createProject("every: '20ms', pages: 3")
})
afterEach(async () => {
  for (const millrace of started.splice(0)) await millrace[Symbol.asyncDispose]()
  project.remove()
})

function start(env: Record<string, string> = {}): Started {
  // Topics of the project are JSON, so that it registers nothing of its own.
  const millrace = startMillrace(project, { env: { MILLRACE_KAFKA_FORMAT: 'json', ...env } })
  started.push(millrace)
  return millrace
}

async function addressOf(millrace: Started): Promise<string> {
  const [, address = ''] = await millrace.until(/^registry +(http:\S+) \(embedded\)/m)
  return address
}

const schema = JSON.stringify({ type: 'record', name: 'User', fields: [{ name: 'id', type: 'string' }] })

async function ask(url: string, path: string, options: { body?: object; authorization?: string } = {}): Promise<unknown> {
  const { body, authorization } = options
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json', ...(authorization === undefined ? {} : { authorization }) }
  const response = await fetch(`${url}${path}`, body === undefined ? { headers } : { method: 'POST', body: JSON.stringify(body), headers })
  return response.json()
}

test('a schema registered with a running Millrace is there after kill -9', { timeout: 240_000 }, async () => {
  const first = start()
  const address = await addressOf(first)
  expect(await ask(address, '/subjects/users-value/versions', { body: { schema } })).toEqual({ id: 1 })
  expect(await ask(address, '/schemas/ids/1')).toEqual({ schema })
  await first.killTree()

  const again = await addressOf(start())
  expect(await ask(again, '/subjects/users-value/versions/1')).toMatchObject({ subject: 'users-value', id: 1, version: 1, schema })
  expect(runJson<StatusView>(project, ['status']).parts).toContainEqual(
    expect.objectContaining({ name: 'registry', is: 'embedded', address: again, state: 'ok' }),
  )
  const report = await eventually(
    () => apiOf(project).doctor(),
    ({ steps }) => steps.some(({ at, state }) => at === 'registry' && state === 'ok'),
  )
  expect(report.steps.find(({ at }) => at === 'registry')?.found).toBe(`1 subject at ${again}`)
})

test('beyond loopback it asks for the credentials of the data folder (P8)', { timeout: 240_000 }, async () => {
  const [outside] = Object.values(networkInterfaces())
    .flat()
    .filter((each) => each !== undefined && !each.internal && each.family === 'IPv4')
  const address = (await addressOf(start({ MILLRACE_HOST: outside?.address ?? '0.0.0.0' }))).replace('0.0.0.0', '127.0.0.1')
  expect(await ask(address, '/subjects')).toMatchObject({ error_code: 40101 })
  const { username, password }: Record<string, string> = JSON.parse(readFileSync(join(project.dataDir, 'credentials.json'), 'utf8'))
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  expect(await ask(address, '/subjects', { authorization })).toEqual([])
})

test('its port taken: start and doctor say by what, and how to use that one or another port', { timeout: 240_000 }, async () => {
  const there = await addressOf(start())
  const { port } = new URL(there)
  const other = createProject("every: '20ms', pages: 3")
  try {
    const env = { MILLRACE_KAFKA_PORT: '0', MILLRACE_CQL_PORT: '0', MILLRACE_REGISTRY_PORT: port }
    const refused = startMillrace(other, { env })
    started.push(refused)
    expect((await refused.exited).code).toBe(69)
    const told = new RegExp(
      `Port ${port} is taken by a schema registry \\(0 subjects\\)\\. Use it with MILLRACE_REGISTRY_URL=${there}, or choose another port with MILLRACE_REGISTRY_PORT`,
    )
    expect(refused.output()).toMatch(told)
    expect(runJson<DoctorReport>(other, ['doctor'], { env }).summary).toMatch(told)

    const using = startMillrace(other, { env: { MILLRACE_REGISTRY_URL: `${there}/` } })
    started.push(using)
    await using.until(new RegExp(`^registry +${there} \\(remote\\)`, 'm'))
  } finally {
    for (const millrace of started.splice(0)) await millrace[Symbol.asyncDispose]()
    other.remove()
  }
})
