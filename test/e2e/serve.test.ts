import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auth, Client } from 'cassandra-driver'
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { bin } from '../harness/millrace.ts'
import { findTool, runTool } from '../harness/tools.ts'

const kcat = findTool('kcat', 'MILLRACE_KCAT')
const cqlsh = findTool('cqlsh', 'MILLRACE_CQLSH')

interface ServedView {
  part: string
  address: string
  credentialsFile: string | null
}

let dir: string
const served: ChildProcess[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-serve-'))
})
afterEach(async () => {
  for (const child of served.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
  }
  rmSync(dir, { recursive: true, force: true })
})

interface Process {
  child: ChildProcess
  /** What it has printed so far. */
  output: () => string
  ended: Promise<number | null>
}

function serve(...args: readonly string[]): Process {
  const child = spawn(process.execPath, [bin, 'serve', ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
  served.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return { child, output: () => text, ended: new Promise((resolve) => child.once('close', resolve)) }
}

/** Serves a part on a free port, and resolves to what it says. */
async function serveOn(...args: readonly string[]): Promise<Process & { view: ServedView }> {
  const started = serve(...args, '--port', '0', '--json')
  const { child, output, ended } = started
  await Promise.race([new Promise((resolve) => child.stdout?.once('data', resolve)), ended])
  if (!output().startsWith('{')) throw new Error(`serve ${args.join(' ')}: ${output()}`)
  return { ...started, view: JSON.parse(output()) }
}

const stop = ({ child, ended }: Process): Promise<number | null> => {
  child.kill('SIGTERM')
  return ended
}

async function readAll(brokers: string, topic: string, sasl?: SASLOptions): Promise<string[]> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, ...(sasl ? { sasl } : {}) })
  const consumer = kafka.consumer({ groupId: 'readers' })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((resolve, reject) => {
    const run = consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value?.toString() ?? '')
        if (values.length === 2) resolve()
      },
    })
    run.catch(reject)
  })
  await consumer.disconnect()
  return values
}

async function produceTwo(brokers: string, sasl?: SASLOptions): Promise<void> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, ...(sasl ? { sasl } : {}) }).producer()
  await producer.connect()
  await producer.send({ topic: 'visits', messages: [{ value: 'one' }, { value: 'two' }] })
  await producer.disconnect()
}

describe('millrace serve broker', () => {
  test('is written and read by kafkajs, and keeps what it acknowledged over SIGTERM', { timeout: 240_000 }, async () => {
    const first = await serveOn('broker')
    expect(first.view).toMatchObject({ part: 'broker', credentialsFile: null })
    await produceTwo(first.view.address)
    expect(await readAll(first.view.address, 'visits')).toEqual(['one', 'two'])
    expect(await stop(first)).toBe(0)
    const again = await serveOn('broker')
    const admin = new Kafka({ brokers: [again.view.address], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    expect(await admin.fetchTopicOffsets('visits')).toMatchObject([{ partition: 0, low: '0', high: '2' }])
    await admin.disconnect()
  })

  test('with --flush os keeps what it acknowledged over kill -9', { timeout: 240_000 }, async () => {
    const first = await serveOn('broker', '--flush', 'os')
    await produceTwo(first.view.address)
    first.child.kill('SIGKILL')
    await first.ended
    const again = await serveOn('broker', '--flush', 'os')
    expect(await readAll(again.view.address, 'visits')).toEqual(['one', 'two'])
  })

  test('beyond loopback asks for the credentials whose file it names (P8)', { timeout: 240_000 }, async () => {
    const { view } = await serveOn('broker', '--host', '0.0.0.0')
    const file = view.credentialsFile ?? ''
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { username, password }: { username: string; password: string } = JSON.parse(readFileSync(file, 'utf8'))
    const address = view.address.replace('0.0.0.0', '127.0.0.1')
    await expect(produceTwo(address)).rejects.toThrow()
    await produceTwo(address, { mechanism: 'plain', username, password })
  })

  test(
    'says in one line where it answers and how to reach it; a data folder in use and a taken port are told',
    { timeout: 240_000 },
    async () => {
      const first = await serveOn('broker')
      const [, port = ''] = first.view.address.split(':')
      const taken = serve('broker', '--port', port, '--data-dir', 'other')
      expect(await taken.ended).toBe(69)
      expect(taken.output()).toMatch(/in use by another process\. Choose another with --port/)
      const folder = serve('broker', '--port', '0')
      expect(await folder.ended).toBe(73)
      expect(folder.output()).toContain('.millrace-broker is in use by another Millrace')
      const words = serve('broker', '--port', '0', '--data-dir', 'words')
      await new Promise((resolve) => words.child.stdout?.once('data', resolve))
      expect(words.output()).toMatch(/^broker at 127\.0\.0\.1:(\d+) · kcat -b 127\.0\.0\.1:\1 -L\n$/)
    },
  )
})

describe.skipIf(kcat === null)('millrace serve broker and kcat', () => {
  test('are at one about what was produced', { timeout: 240_000 }, async () => {
    const { view } = await serveOn('broker')
    const produced = runTool('sh', ['-c', `printf 'a\\nb\\n' | ${kcat} -b ${view.address} -P -t lines`])
    expect(produced.code).toBe(0)
    expect(runTool(kcat ?? '', ['-b', view.address, '-C', '-t', 'lines', '-e', '-q']).stdout).toBe('a\nb\n')
  })
})

describe('millrace serve cql-store', () => {
  test.skipIf(cqlsh === null)('with TLS prints a line by which cqlsh reaches it', { timeout: 240_000 }, async () => {
    const authority = await makeAuthority()
    const { cert, key } = await authority.issue({ name: 'localhost', dns: ['localhost'], ips: ['127.0.0.1'] })
    writeFileSync(join(dir, 'chain.pem'), `${cert}\n${authority.cert}`)
    writeFileSync(join(dir, 'key.pem'), key, { mode: 0o600 })
    const { child, output, ended } = serve('cql-store', '--port', '0', '--tls-cert', 'chain.pem', '--tls-key', 'key.pem')
    await Promise.race([new Promise((resolve) => child.stdout?.once('data', resolve)), ended])
    const [, line = ''] = output().trim().split(' · ')
    expect(line).toMatch(/^SSL_CERTFILE=chain\.pem cqlsh --ssl 127\.0\.0\.1 \d+$/)
    const asked = runTool('sh', ['-c', `cd '${dir}' && ${line.replace('cqlsh', cqlsh ?? '')} -e 'SELECT key FROM system.local'`])
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining('(1 rows)') })
  })

  test('is written and read by cassandra-driver, and keeps what it acknowledged over SIGTERM', { timeout: 240_000 }, async () => {
    const first = await serveOn('cql-store')
    const client = connect(first.view.address)
    await client.execute("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    await client.execute('CREATE TABLE k.t (id int PRIMARY KEY, name text)')
    await client.execute('INSERT INTO k.t (id, name) VALUES (?, ?)', [1, 'one'], { prepare: true })
    await client.shutdown()
    expect(await stop(first)).toBe(0)
    const again = connect((await serveOn('cql-store')).view.address)
    expect((await again.execute('SELECT name FROM k.t WHERE id = 1')).rows.map((row) => String(row.name))).toEqual(['one'])
    await again.shutdown()
  })

  test('beyond loopback asks for the credentials whose file it names (P8)', { timeout: 240_000 }, async () => {
    const { view } = await serveOn('cql-store', '--host', '0.0.0.0')
    const address = view.address.replace('0.0.0.0', '127.0.0.1')
    const stranger = connect(address)
    await expect(stranger.connect()).rejects.toThrow()
    await stranger.shutdown()
    const { username, password }: { username: string; password: string } = JSON.parse(readFileSync(view.credentialsFile ?? '', 'utf8'))
    const client = connect(address, { authProvider: new auth.PlainTextAuthProvider(username, password) })
    expect((await client.execute('SELECT key FROM system.local')).rowLength).toBe(1)
    await client.shutdown()
  })
})

function connect(address: string, more: object = {}): Client {
  return new Client({ contactPoints: [address], localDataCenter: 'datacenter1', ...more })
}

describe('millrace serve registry', () => {
  test('keeps schemas in the Kafka that is named, over SIGTERM', { timeout: 240_000 }, async () => {
    const broker = await serveOn('broker')
    const first = await serveOn('registry', '--kafka', broker.view.address)
    const schema = JSON.stringify({ type: 'record', name: 'User', fields: [{ name: 'id', type: 'string' }] })
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
    const path = '/subjects/users-value/versions'
    const answer = await fetch(first.view.address + path, { method: 'POST', headers, body: JSON.stringify({ schema }) })
    expect(await answer.json()).toEqual({ id: 1 })
    expect(await stop(first)).toBe(0)
    const again = await serveOn('registry', '--kafka', broker.view.address)
    expect(await (await fetch(`${again.view.address}${path}/1`)).json()).toMatchObject({ id: 1, schema })
  })

  test('asks for a Kafka when none is named', { timeout: 240_000 }, async () => {
    const { ended, output } = serve('registry', '--port', '0')
    expect(await ended).toBe(64)
    expect(output()).toContain('name one with --kafka host:port')
  })
})
