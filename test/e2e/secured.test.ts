import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBrokerThread, type BrokerHandle } from '../../src/broker/index.ts'
import type { DoctorReport } from '../../src/core/index.ts'
import { startCqlStoreThread } from '../../src/cql-store/index.ts'
import type { Part } from '../../src/platform/index.ts'
import { apiOf } from '../harness/ask.ts'
import { childrenOf, eventually, roleOf, run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { countsOf } from '../harness/users.ts'

/** Recognisable: whatever shows one of them fails. */
const secrets = {
  kafka: 'k4fk4-s3cret',
  cassandra: 'c4ss4ndra-s3cret',
  wrong: 'wr0ng-s3cret',
  written: 'wr1tten-s3cret',
}
const everySecret = new RegExp(Object.values(secrets).join('|'))

/** A broker and a table store that ask for credentials, as somebody's cluster would; on threads, since commands are waited for here. */
let broker: BrokerHandle
let store: Part & { port: number }
let home: TestProject
let project: TestProject
let millrace: Started
/** Everything that was printed, by Millrace and by commands. */
const printed: string[] = []

const variables = {
  TEST_KAFKA_PASSWORD: secrets.kafka,
  MILLRACE_CASSANDRA_USERNAME: 'bob',
  MILLRACE_CASSANDRA_PASSWORD: secrets.cassandra,
  NODE_COMPILE_CACHE: mkdtempSync(join(tmpdir(), 'millrace-compiled-')),
}

function writeConfig(into: TestProject, password: string): void {
  const kafka = `{ bootstrapServers: ['127.0.0.1:${broker.listeners[0]?.port}'], sasl: { mechanism: 'PLAIN', username: 'alice', password: ${password} } }`
  const cassandra = `{ contactPoints: ['127.0.0.1:${store.port}'] }`
  writeFileSync(
    join(into.dir, 'millrace.config.ts'),
    `import { defineConfig, secret } from 'millrace'\nexport default defineConfig({ name: 'users', kafka: ${kafka}, cassandra: ${cassandra} })\nvoid secret\n`,
  )
}

/** Prints what a command says and keeps it; without the secrets in its environment unless they are given. */
function say(...args: string[]): string {
  const { stdout, stderr } = run(project, args)
  printed.push(stdout, stderr)
  return stdout + stderr
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

beforeAll(async () => {
  home = createProject()
  broker = await startBrokerThread({
    dataDir: join(home.dir, 'kafka'),
    listeners: [{ host: '127.0.0.1', port: 0, credentials: { username: 'alice', password: secrets.kafka } }],
  })
  const credentials = { username: 'bob', password: secrets.cassandra }
  store = await startCqlStoreThread({ dataDir: join(home.dir, 'tables'), host: '127.0.0.1', port: 0, credentials })
  project = createProject("every: '20ms', pages: 20")
  project.edit((code) => code.replace('partitions: 6', 'partitions: 6, replicationFactor: 1'))
  writeConfig(project, "secret.env('TEST_KAFKA_PASSWORD')")
  millrace = startMillrace(project, { env: variables })
  await millrace.until(/in table/, 60_000)
}, 120_000)
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  await broker.close()
  await store.close()
  project.remove()
  home.remove()
  rmSync(variables.NODE_COMPILE_CACHE, { recursive: true })
})

describe('systems that ask for credentials', () => {
  test('are used by every child and the supervisor: the job runs to its end', { timeout: 240_000 }, async () => {
    const { warnings } = await eventually(
      () => apiOf(project).status(),
      ({ flows: [flow] }) => isDeepStrictEqual([...countsOf(flow), flow?.lag], [20, 20, 20, 0, 0]),
    )
    expect(warnings).toEqual([
      expect.stringMatching(/^topic users_created is written as JSON, there being no schema registry/),
      expect.stringMatching(/^cassandra\.replication is not set/),
    ])
    expect(runJson<DoctorReport>(project, ['doctor'])).toMatchObject({ healthy: true, administrator: [] })
  })

  test('are used by commands that have no secret in their environment: they ask the running Millrace', { timeout: 240_000 }, () => {
    expect(say('topics', '--internal')).toMatch(/__millrace_users_cursors[\s\S]*users_created +6 +\d+[\s\S]*users\.load_users\.dlq/)
    expect(say('query', 'SELECT id FROM spark_streams.created_users LIMIT 3')).toContain('(3 rows)')
    expect(say('consume', 'users_created', '--limit', '1')).toContain('@')
  })

  test('are not signed in at by an address that somebody typed: the credentials of the project stay here', () => {
    expect(say('topics', '--kafka', `127.0.0.1:${broker.listeners[0]?.port}`)).toMatch(/user name and password\?|AUTHENTICATION_FAILED/)
  })
})

describe('a password that is wrong', () => {
  let other: TestProject
  let started: Started
  beforeAll(async () => {
    other = createProject()
    writeConfig(other, "secret.env('TEST_KAFKA_PASSWORD')")
    started = startMillrace(other, { env: { ...variables, TEST_KAFKA_PASSWORD: secrets.wrong } })
    await started.until(/look /, 60_000)
  }, 120_000)
  afterAll(async () => {
    await started[Symbol.asyncDispose]()
    other.remove()
  })

  test('is told by the doctor as such, and not shown', { timeout: 240_000 }, async () => {
    const report = await eventually(
      () => apiOf(other).doctor(),
      ({ summary }) => /refused the user name or password/.test(summary),
    )
    expect(report.healthy).toBe(false)
    printed.push(JSON.stringify(report), started.output(), run(other, ['status']).stdout)
    for (const file of filesBelow(other.dataDir)) expect([file, everySecret.test(readFileSync(file, 'latin1'))]).toEqual([file, false])
  })
})

describe('a secret', () => {
  test('that is missing is an error that names key and variable', { timeout: 240_000 }, async () => {
    const other = createProject()
    writeConfig(other, "secret.env('NO_SUCH_VARIABLE')")
    const started = startMillrace(other)
    expect((await started.exited).code).toBe(78)
    expect(started.output()).toMatch(/"kafka\.sasl\.password": the environment variable NO_SUCH_VARIABLE is not set/)
    other.remove()
  })

  test('that is written in the config is warned of and stays there', { timeout: 240_000 }, async () => {
    const other = createProject()
    writeConfig(other, `'${secrets.written}'`)
    const started = startMillrace(other, { env: variables })
    await started.until(/warning +kafka\.sasl\.password is written in millrace\.config\.ts/, 60_000)
    await started.until(/look /, 60_000)
    printed.push(run(other, ['status']).stdout, run(other, ['doctor']).stdout, started.output())
    expect(await started.stop()).toBe(0)
    for (const file of filesBelow(other.dataDir)) expect([file, everySecret.test(readFileSync(file, 'latin1'))]).toEqual([file, false])
    other.remove()
  })

  test('is printed by no command, in words or JSON, running or not', { timeout: 240_000 }, async () => {
    const commands = [['status'], ['doctor'], ['dags'], ['runs'], ['topics'], ['tables'], ['dlq', 'list'], ['logs', 'user_automation']]
    for (const command of commands) say('--json', ...command)
    for (const command of commands.slice(0, 2)) say(...command)
    say('trigger', 'user_automation', '--wait')
    say('query', 'SELECT nonsense FROM nowhere.at_all')
    printed.push(millrace.output())
    expect(printed.length).toBeGreaterThan(20)
    expect(printed.filter((text) => everySecret.test(text))).toEqual([])
  })

  test("is in no process's arguments, and Millrace's own variables are not passed on to user code", () => {
    const children = childrenOf(millrace.pid).filter((pid) => roleOf(pid) !== null)
    expect(children.length).toBeGreaterThan(0)
    for (const pid of [millrace.pid, ...childrenOf(millrace.pid)])
      expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toMatch(everySecret)
    for (const pid of children) expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain(secrets.cassandra)
  })

  test('is in no file: not in the data folder, not in logs, bundles or compiled code', { timeout: 240_000 }, async () => {
    expect(await millrace.stop()).toBe(0)
    const files = [...filesBelow(project.dataDir), ...filesBelow(variables.NODE_COMPILE_CACHE)]
    expect(files.length).toBeGreaterThan(10)
    expect(files.filter((file) => everySecret.test(readFileSync(file, 'latin1')))).toEqual([])
  })
})
