import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StatusView } from '../../src/core/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { apiOf } from '../harness/ask.ts'
import { eventually, run, runJson, runJsonLines, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { answers, startScriptedApi } from '../harness/scripted-api.ts'
import { idsInTable, idsInTopic } from '../harness/users.ts'

let project: TestProject
const started: Started[] = []

function start(options?: Parameters<typeof startMillrace>[1]): Started {
  const millrace = startMillrace(project, options)
  started.push(millrace)
  return millrace
}

beforeEach(() => {
  project = createProject("every: '20ms', pages: 10")
})
afterEach(async () => {
  for (const millrace of started.splice(0)) await millrace[Symbol.asyncDispose]()
  project.remove()
})

const status = (): Promise<StatusView> => apiOf(project).status()

async function runSucceeds(): Promise<void> {
  await eventually(
    () => apiOf(project).runs({ dag: 'user_automation' }),
    (runs) => runs[0]?.state === 'success',
    60_000,
  )
}

test('a source that answers nonsense is retried, visibly, and no empty record reaches the topic', { timeout: 240_000 }, async () => {
  const api = await startScriptedApi([answers.status(429, { 'retry-after': '1' }), answers.html, answers.error])
  try {
    start({ env: { MILLRACE_RANDOMUSER: 'live', MILLRACE_RANDOMUSER_URL: api.url } })
    await eventually(
      () => run(project, ['logs', 'user_automation']).stdout,
      (log) => /429/.test(log) && /html/i.test(log) && /Uh oh/.test(log),
      60_000,
    )
    await runSucceeds()
    const records = runJsonLines<{ key: string | null; value: string | null }>(project, ['consume', 'users_created'])
    expect(records).toHaveLength(10)
    expect(records.filter((record) => record.key === null || !record.value?.includes('"email"'))).toEqual([])
    expect(new Set(idsInTopic(project)).size).toBe(records.length)
    expect(api.requests.every((query) => query.get('seed') !== null && query.get('page') !== null)).toBe(true)
    expect(api.requests.slice(0, 4).map((query) => query.get('page'))).toEqual(['1', '1', '1', '1'])
  } finally {
    await api.close()
  }
})

/** Over Kafka's protocol, as any program would. */
async function produce(records: readonly (readonly [key: string, value: string])[]): Promise<void> {
  const address = (await status()).parts.find((part) => part.name === 'kafka')?.address ?? ''
  await using kafka = await connectKafka({ bootstrapServers: [address], clientId: 'bad-input' })
  const producer = kafka.producer({ acks: 'all' })
  await producer.send(records.map(([key, value]) => ({ topic: 'users_created', key, value, timestampMs: Date.now() })))
  await producer.close()
}

test('records that are no users become dead letters with their reason, and the stream goes on', { timeout: 240_000 }, async () => {
  const millrace = start({ env: { MILLRACE_KAFKA_FORMAT: 'json' } })
  await millrace.until(/in table/)
  await runSucceeds()
  const [good] = runJsonLines<{ key: string; value: string }>(project, ['consume', 'users_created', '--limit', '1'])
  const user: Record<string, unknown> = JSON.parse(good?.value ?? '{}')
  const poison: [key: string, value: string, reason: RegExp][] = [
    ['null-id', JSON.stringify({ ...user, id: null }), /id/],
    ['wrong-type', JSON.stringify({ ...user, id: '00000000-0000-4000-8000-000000000001', dob: 12 }), /dob/],
    ['extra', JSON.stringify({ ...user, shoe_size: 44 }), /shoe_size/],
    ['no-json', 'hello', /JSON/],
    ['other-key', JSON.stringify({ ...user, id: '00000000-0000-4000-8000-000000000002' }), /key/],
  ]
  const before = idsInTable(project).length
  const fresh = { ...user, id: '00000000-0000-4000-8000-000000000003' }
  await produce([...poison.map(([key, value]) => [key, value] as const), [fresh.id, JSON.stringify(fresh)]])
  await eventually(
    () => idsInTable(project).length,
    (count) => count === before + 1,
  )
  const letters = await eventually(
    () => apiOf(project).deadLetters(),
    (all) => all.length === poison.length,
  )
  for (const [key, value, reason] of poison) {
    const letter = letters.find((each) => each.key === key)
    expect(letter, key).toMatchObject({ topic: 'users_created', value, message: expect.stringMatching(reason) })
  }
  expect(run(project, ['dlq', 'show', 'load_users', letters[0]?.id ?? '']).stdout).toContain(letters[0]?.message ?? '-')
  expect((await status()).streams[0]).toMatchObject({ state: { is: 'running' }, deadLetters: poison.length })
  expect(runJson(project, ['doctor'])).toMatchObject({ healthy: true, summary: expect.stringContaining('5 dead letters') })
})

test('bytes that are not Avro, or name a schema that is not there, become dead letters that say so', { timeout: 240_000 }, async () => {
  const millrace = start()
  await millrace.until(/in table/)
  await runSucceeds()
  const [good] = runJsonLines<{ key: string; value: string }>(project, ['consume', 'users_created', '--limit', '1'])
  const user: Record<string, unknown> = JSON.parse(good?.value ?? '{}')
  run(project, ['produce', 'users_created', '--raw', '--key', 'json', '--value', JSON.stringify(user)])
  run(project, ['produce', 'users_created', '--raw', '--key', 'unknown'], { input: '\0\0\0\0cx\n' })
  run(project, ['produce', 'users_created', '--key', 'other', '--value', JSON.stringify({ ...user, email: 'none' })])
  expect(run(project, ['produce', 'users_created', '--key', 'x', '--value', '{"id":1}']).stderr).toMatch(
    /does not fit the topic's schema 1: id is 1/,
  )
  const letters = await eventually(
    () => apiOf(project).deadLetters(),
    (all) => all.length === 3,
  )
  const told = Object.fromEntries(letters.map(({ key, stage, message }) => [key, `${stage}: ${message}`]))
  expect(told).toEqual({
    json: expect.stringMatching(/^decode: .*does not begin with a schema id.*looks like JSON/),
    unknown: expect.stringMatching(/^decode: The value names schema 99, which the schema registry at http\S+ does not have/),
    other: expect.stringMatching(/^validate: email/),
  })
  expect(letters.find(({ key }) => key === 'other')).toMatchObject({
    schemaId: 1,
    valueIsBase64: false,
    value: expect.stringContaining('"none"'),
  })
})

test('garbage on a port closes that connection, and the part goes on', { timeout: 240_000 }, async () => {
  const millrace = start()
  await millrace.until(/in table/)
  for (const part of (await status()).parts.filter((each) => each.name === 'kafka' || each.name === 'cassandra')) {
    const [host, port] = part.address.split(':')
    for (const bytes of [randomBytes(4_096), Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), Buffer.alloc(64, 0xff)])
      await sendGarbage(host ?? '', Number(port), bytes)
  }
  await runSucceeds()
  await eventually(status, ({ flows: [flow] }) => flow?.lag === 0 && flow.inTable === flow.inTopic)
})

/** Sends bytes and resolves when the server has closed the connection, or has kept it without a word for a second. */
function sendGarbage(host: string, port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.write(bytes))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.resume()
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
  })
}

describe('a pipeline file that is wrong', () => {
  test.each([
    ['throws', `throw new Error('no luck')`, /users\.pipeline\.ts:\d+:\d+: no luck/],
    ['does not compile', `const a = = 1`, /users\.pipeline\.ts:\d+:\d+: Unexpected "="/],
  ])('and %s is shown with file and line, while the parts stay up', { timeout: 240_000 }, async (_how, line, expected) => {
    project.edit((code) => `${code}\n${line}\n`)
    const millrace = start()
    await millrace.until(expected)
    expect(run(project, ['topics']).code).toBe(0)
    expect(run(project, ['query', 'SELECT release_version FROM system.local']).code).toBe(0)
    expect(run(project, ['doctor'])).toMatchObject({ code: 1, stdout: expect.stringMatching(expected) })
    expect(await millrace.stop()).toBe(0)
  })
})

describe('a config that is wrong', () => {
  const startWith = async (options: Parameters<typeof startMillrace>[1]): Promise<{ code: number | null; output: string }> => {
    const millrace = start(options)
    const { code } = await millrace.exited
    return { code, output: millrace.output() }
  }

  test('names the variable and what is allowed', async () => {
    expect(await startWith({ env: { MILLRACE_KAFKA_PORT: 'nine' } })).toMatchObject({
      code: 78,
      output: expect.stringMatching(/MILLRACE_KAFKA_PORT="nine".*0 .*65535/),
    })
    expect(await startWith({ env: { MILLRACE_RANDOMUSER: 'maybe' } })).toMatchObject({
      code: 78,
      output: expect.stringMatching(/auto, live, local/),
    })
  })

  test('that is not there is said so', () => {
    expect(run({ ...project, dir: '/' }, ['start'])).toMatchObject({ code: 78, stderr: expect.stringContaining('millrace.config.ts') })
  })
})

test('a start on another host asks clients for the generated credentials', { timeout: 240_000 }, async () => {
  const millrace = start({ env: { MILLRACE_HOST: '0.0.0.0' } })
  await millrace.until(/in table/)
  await runSucceeds()
  const kafka = (await status()).parts.find((part) => part.name === 'kafka')?.address ?? ''
  // A command has the running Millrace's credentials, but not for an address that somebody typed.
  expect(run(project, ['topics', '--kafka', kafka]).code).not.toBe(0)
  expect(run(project, ['topics']).stdout).toContain('users_created')
  expect(idsInTable(project).length).toBeGreaterThan(0)
})
