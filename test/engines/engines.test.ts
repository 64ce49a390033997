import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { processIsAlive } from '../../src/platform/index.ts'
import { ensureArtifacts, isComplete } from '../../tools/engines/artifacts.ts'
import { cacheDir } from '../../tools/engines/cache.ts'
import { engines } from '../../tools/engines/index.ts'
import { eventually } from '../harness/millrace.ts'
import { root } from '../harness/project.ts'
import { describeOn, describeWhenAsked } from './available.ts'

/** For a first start, which brings the artifacts. */
const WITHIN = { timeout: 600_000 }

const topics = async (bootstrapServers: string): Promise<string[]> => {
  await using kafka = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'engines-test' })
  return (await kafka.admin.metadata()).topics.map(({ name }) => name)
}

describeOn(['kafka4'], 'Kafka under tools/engines', () => {
  test('keeps its data and its address over kill and restart, and leaves only its log behind', WITHIN, async () => {
    const kafka = await engines.kafka4()
    try {
      const { bootstrapServers, pid } = kafka
      await using client = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'engines-test' })
      await client.admin.createTopics([{ name: 'kept', partitions: 1 }])
      await kafka.kill()
      expect(processIsAlive(pid)).toBe(false)
      await kafka.restart()
      expect(kafka.bootstrapServers).toBe(bootstrapServers)
      expect(kafka.pid).not.toBe(pid)
      expect(await topics(bootstrapServers)).toContain('kept')
    } finally {
      await kafka[Symbol.asyncDispose]()
    }
    expect(await isListening(kafka.ports.kafka ?? 0)).toBe(false)
    expect(readFileSync(kafka.logs[0] ?? '', 'utf8')).toMatch(/Kafka Server started/)
  })

  test('ends when the process that started it is killed', WITHIN, async () => {
    const script = [
      `import { engines } from ${JSON.stringify(join(root, 'tools/engines/index.ts'))}`,
      'const kafka = await engines.kafka4()',
      'console.log(JSON.stringify(kafka.pids))',
      'setInterval(() => {}, 1000)',
    ].join('\n')
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pids = await new Promise<number[]>((resolve, reject) => {
      owner.stdout.once('data', (chunk: Buffer) => resolve(JSON.parse(chunk.toString())))
      owner.once('exit', (code) => reject(new Error(`the owner ended with ${code}`)))
    })
    expect(pids.filter(processIsAlive)).toEqual(pids)
    owner.kill('SIGKILL')
    await eventually(
      () => pids.filter(processIsAlive),
      (alive) => alive.length === 0,
    )
  })
})

describeOn(['postgres15'], 'PostgreSQL under tools/engines', () => {
  test('keeps its data, its password and its address over kill and restart, and leaves nothing of the kernel behind', WITHIN, async () => {
    const pids: number[] = []
    const postgres = await engines.postgres15()
    try {
      const { url, pid } = postgres
      pids.push(pid)
      await ask(url, 'CREATE TABLE kept (id int)')
      await ask(url, 'INSERT INTO kept VALUES (7)')
      await postgres.kill()
      expect(processIsAlive(pid)).toBe(false)
      await postgres.restart()
      expect(postgres.url).toBe(url)
      expect(await ask(url, 'SELECT id FROM kept')).toEqual([{ id: 7 }])
      pids.push(postgres.pid)
      await postgres.stop()
      await postgres.restart()
      pids.push(postgres.pid)
      expect(await ask(url, 'SELECT id FROM kept')).toEqual([{ id: 7 }])
      expect(pids.map(sharedMemoryOf)).toEqual([0, 0, 1])
    } finally {
      await postgres[Symbol.asyncDispose]()
    }
    expect(await isListening(postgres.ports.postgres ?? 0)).toBe(false)
    expect(pids.map(sharedMemoryOf)).toEqual([0, 0, 0])
  })

  test('wants the password, which no log has', WITHIN, async () => {
    await using postgres = await engines.postgres15()
    const { password = '' } = postgres.secrets
    expect(password).toMatch(/^[0-9a-f]{48}$/)
    await expect(ask(postgres.url.replace(password, 'guessed'), 'SELECT 1')).rejects.toThrow(/password authentication failed/)
    await expect(ask(postgres.url.replace(`:${password}`, ''), 'SELECT 1')).rejects.toThrow(/password/)
    expect(postgres.logs.map((log) => readFileSync(log, 'utf8')).join('')).not.toContain(password)
  })

  test('runs several times beside itself, started at once', WITHIN, async () => {
    const started = await Promise.all([engines.postgres15(), engines.postgres15(), engines.postgres15()])
    try {
      expect(new Set(started.map(({ url }) => url)).size).toBe(3)
      expect(await Promise.all(started.map(({ url }) => ask(url, 'SELECT 1 AS one')))).toEqual([[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]])
    } finally {
      await Promise.all(started.map((postgres) => postgres[Symbol.asyncDispose]()))
    }
  })

  test('is shown to a person without its password', WITHIN, () => {
    const cache = mkdtempSync(join(tmpdir(), 'millrace-engines-'))
    try {
      const shown = command(cache, 'start', 'postgres15') + command(cache, 'status')
      expect(shown).toMatch(/MILLRACE_METADATA_URL=postgres:\/\/millrace:\*\*\*@127/)
      const secrets = join(cache, 'started/postgres15/secrets.env')
      const [, password = ''] = /# password: (\w+)/.exec(readFileSync(secrets, 'utf8')) ?? []
      expect(password).toHaveLength(48)
      expect(shown).not.toContain(password)
      expect(statSync(secrets).mode & 0o077).toBe(0)
      expect(command(cache, 'stop', 'postgres15')).toContain('stopped')
      expect(command(cache, 'status')).toContain('none runs')
      expect(existsSync(secrets)).toBe(false)
    } finally {
      rmSync(cache, { recursive: true, force: true })
    }
  })
})

describeOn(['apicurio'], 'Apicurio Registry under tools/engines', () => {
  test('speaks the API of Confluent, is empty again after kill and restart, and is gone in the end', WITHIN, async () => {
    const registry = await engines.apicurio()
    const subjects = async (): Promise<unknown> => (await fetch(`${registry.url}/subjects`)).json()
    try {
      const body = JSON.stringify({ schema: JSON.stringify({ type: 'record', name: 'User', fields: [{ name: 'id', type: 'string' }] }) })
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
      const registered = await fetch(`${registry.url}/subjects/users-value/versions`, { method: 'POST', headers, body })
      expect(await registered.json()).toEqual({ id: expect.any(Number) })
      expect(await subjects()).toEqual(['users-value'])
      await registry.kill()
      await registry.restart()
      expect(await subjects()).toEqual([])
    } finally {
      await registry[Symbol.asyncDispose]()
    }
    expect(await isListening(registry.ports.registry ?? 0)).toBe(false)
  })
})

describeWhenAsked('MILLRACE_ENGINES_SPARK', ['spark35'], 'Spark under tools/engines', () => {
  test('has its worker again after kill and restart, and leaves no process behind', WITHIN, async () => {
    const spark = await engines.spark35()
    const workers = async (): Promise<string> => (await fetch(`http://127.0.0.1:${spark.ports.masterUi}/json/`)).text()
    try {
      expect(JSON.parse(await workers())).toMatchObject({ url: spark.master, aliveworkers: 1 })
      await spark.kill()
      expect(spark.pids.filter(processIsAlive)).toEqual([])
      await spark.restart()
      expect(JSON.parse(await workers())).toMatchObject({ url: spark.master, aliveworkers: 1 })
    } finally {
      await spark[Symbol.asyncDispose]()
    }
    expect(await isListening(spark.ports.master ?? 0)).toBe(false)
  })
})

describeOn(['kafka4'], 'artifacts of tools/engines', () => {
  test('has artifacts whose folder is brought again when a file is damaged', WITHIN, async () => {
    const cache = mkdtempSync(join(tmpdir(), 'millrace-artifacts-'))
    try {
      const system = {
        name: 'one-jar',
        title: 'one jar',
        artifacts: [{ is: 'maven', coordinates: ['org.slf4j:slf4j-api:1.7.36'] }],
      } as const
      const [dir, same] = await Promise.all([ensureArtifacts(system, cache), ensureArtifacts(system, cache)])
      expect(same).toBe(dir)
      expect(readdirSync(join(cache, 'artifacts'))).toHaveLength(1)
      const jar = join(dir, 'slf4j-api-1.7.36.jar')
      expect(existsSync(jar)).toBe(true)
      writeFileSync(jar, 'cut')
      expect(isComplete(dir)).toBe(false)
      expect(await ensureArtifacts(system, cache)).toBe(dir)
      expect(isComplete(dir)).toBe(true)
    } finally {
      rmSync(cache, { recursive: true, force: true })
    }
  })

  test('says which artifact does not exist', WITHIN, async () => {
    const cache = mkdtempSync(join(tmpdir(), 'millrace-artifacts-'))
    try {
      const system = {
        name: 'none',
        title: 'No such thing',
        artifacts: [{ is: 'maven', coordinates: ['org.slf4j:slf4j-api:0.0.0'] }],
      } as const
      await expect(ensureArtifacts(system, cache)).rejects.toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringMatching(/No such thing.*slf4j-api.*0\.0\.0/),
      })
      expect(isComplete(join(cache, 'artifacts'))).toBe(false)
    } finally {
      rmSync(cache, { recursive: true, force: true })
    }
  })
})

async function ask(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  // A server that ends says so to who is still there.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

/** How many System V shared memory segments that this process made are left (the fifth column says who did). */
function sharedMemoryOf(pid: number): number {
  const lines = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').slice(1)
  return lines.filter((line) => Number(line.trim().split(/\s+/)[4]) === pid).length
}

function command(cache: string, ...args: readonly string[]): string {
  const main = join(root, 'tools/engines/main.ts')
  // What was brought already need not come again.
  if (!existsSync(join(cache, 'artifacts'))) symlinkSync(join(cacheDir(), 'artifacts'), join(cache, 'artifacts'))
  const env = { ...process.env, MILLRACE_ENGINES_CACHE: cache }
  return execFileSync(process.execPath, [main, ...args], { encoding: 'utf8', env })
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.unref()
  })
}
