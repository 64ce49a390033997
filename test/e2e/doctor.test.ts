import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DoctorReport } from '../../src/core/index.ts'
import { apiOf } from '../harness/ask.ts'
import { eventually, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

let project: TestProject
const started: Started[] = []

function start(env: Record<string, string> = {}): Started {
  const millrace = startMillrace(project, { env })
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

const diagnosis = (env: Record<string, string> = {}): DoctorReport => runJson<DoctorReport>(project, ['doctor'], { env })
const stopsAt = (report: DoctorReport): string => report.steps.find((step) => step.state === 'stopped')?.at ?? 'nowhere'

/** Asked without a process of its own each time; null while the start is not that far. */
const toldByDoctor = async (): Promise<DoctorReport | null> =>
  existsSync(join(project.dataDir, 'api.json')) ? apiOf(project).doctor() : null

/** A port that nobody answers on, and one that somebody else holds. */
async function takePort(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    // Read to its end, so that the connection closes and the server can.
    socket.on('error', () => undefined)
    socket.resume().end('hello\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { server, port: typeof address === 'object' && address ? address.port : 0 }
}

test('the source is away: the doctor says so, with the reason', { timeout: 240_000 }, async () => {
  const { server, port } = await takePort()
  await new Promise((resolve) => server.close(resolve))
  start({ MILLRACE_RANDOMUSER: 'live', MILLRACE_RANDOMUSER_URL: `http://127.0.0.1:${port}/api/` })
  const report = await eventually(toldByDoctor, (found) => found !== null && stopsAt(found) === 'source')
  expect(stopsAt(diagnosis())).toBe('source')
  expect(report?.summary).toMatch(/^0 fetched · 0 in topic · 0 in table: user_automation fails, because .*(ECONNREFUSED|refused)/)
})

test('the broker port is taken: start and doctor say by what, and how to use another', { timeout: 240_000 }, async () => {
  const { server, port } = await takePort()
  try {
    const millrace = start({ MILLRACE_KAFKA_PORT: String(port) })
    expect((await millrace.exited).code).toBe(69)
    const expected = new RegExp(`Port ${port} is taken by something that does not answer as Kafka.*MILLRACE_KAFKA_PORT`)
    expect(millrace.output()).toMatch(expected)
    const report = diagnosis({ MILLRACE_KAFKA_PORT: String(port), MILLRACE_CQL_PORT: '0', MILLRACE_REGISTRY_PORT: '0' })
    expect(report.healthy).toBe(false)
    expect(report.summary).toMatch(expected)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})

test('a busy port that a broker answers on is offered for use', { timeout: 240_000 }, async () => {
  const millrace = start()
  const [, address = ''] = await millrace.until(/kafka +(127\.0\.0\.1:\d+)/)
  const other = createProject()
  try {
    const second = startMillrace(other, { env: { MILLRACE_KAFKA_PORT: address.split(':')[1] ?? '' } })
    started.push(second)
    expect((await second.exited).code).toBe(69)
    expect(second.output()).toMatch(/taken by a Kafka broker \(.*Use it with MILLRACE_KAFKA_BOOTSTRAP_SERVERS=127\.0\.0\.1:\d+/)
  } finally {
    other.remove()
  }
})

test('the sink refuses: the doctor names column and types, and the start stays up', { timeout: 240_000 }, async () => {
  // As JSON: of Avro the registry refuses such a change, before the sink is asked.
  const asJson = { MILLRACE_KAFKA_FORMAT: 'json' }
  const first = start(asJson)
  await first.until(/[1-9]\d* in table/)
  expect(await first.stop()).toBe(0)
  project.edit((code) => code.replace('gender: z.string()', 'gender: z.int32()').replace('    gender,\n', '    gender: gender.length,\n'))
  start(asJson)
  const report = await eventually(toldByDoctor, (found) => found !== null && stopsAt(found) === 'stream')
  expect(report?.summary).toMatch(/load_users stopped, because .*gender.*text/)
})

test('the table store is away: the doctor says that it does not answer, and the topic fills meanwhile', { timeout: 240_000 }, async () => {
  const { server, port } = await takePort()
  await new Promise((resolve) => server.close(resolve))
  start({ MILLRACE_CASSANDRA_CONTACT_POINTS: `127.0.0.1:${port}` })
  const report = await eventually(toldByDoctor, (found) => found !== null && !found.healthy && /[1-9]\d* in topic/.test(found.summary))
  expect(report?.summary).toMatch(/[1-9]\d* fetched · [1-9]\d* in topic · \? in table: load_users stopped, because/)
})
