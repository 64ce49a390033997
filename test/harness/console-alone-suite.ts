import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectCassandra } from '../../src/cql-client/index.ts'
import { avroCodec, parseAvro } from '../../src/formats/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { signedIn, startConsoleAlone, type AloneConsole, type Clusters } from './console-alone.ts'
import { eventually, runAlone } from './millrace.ts'
import { findTool, runTool } from './tools.ts'

const kcat = findTool('kcat', 'MILLRACE_KCAT')
const cqlsh = findTool('cqlsh', 'MILLRACE_CQLSH')

/** What other programs have written: orders in Avro, half of them read by a group, and a row of each. */
export interface WrittenOrders {
  readonly topic: string
  readonly keyspace: string
  readonly group: string
  readonly ids: readonly string[]
}

const schema = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'int' },
  ],
})

export async function writeOrders({ kafka: bootstrap, cassandra, registry }: Clusters): Promise<WrittenOrders> {
  const name = `orders_${randomUUID().slice(0, 8)}`
  const orders: WrittenOrders = { topic: name, keyspace: name, group: `${name}_readers`, ids: ['o-1', 'o-2', 'o-3', 'o-4'] }
  const registered = await fetch(`${registry}/subjects/${name}-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  const { id }: { id: number } = JSON.parse(await registered.text())
  const parsed = parseAvro(schema)
  if (!parsed.ok) throw new Error(parsed.problem.message)
  const codec = avroCodec({ writer: { id, type: parsed.type }, fields: null, schemaOf: () => Promise.resolve({ none: 'not read' }) })
  await using kafka = await connectKafka({ bootstrapServers: [bootstrap], clientId: 'shop' })
  await kafka.admin.createTopics([{ name, partitions: 1 }])
  const producer = kafka.producer()
  await producer.send(
    orders.ids.map((key, i) => {
      const encoded = codec.encode({ id: key, amount: i + 1 })
      if (!encoded.ok) throw new Error(encoded.error.message)
      return { topic: name, key, value: encoded.value, headers: [], timestampMs: Date.now() }
    }),
  )
  await producer.close()
  await kafka.admin.alterOffsets(orders.group, [{ topic: name, partition: 0, offset: 2n }])
  await using session = await connectCassandra({ contactPoints: [cassandra], localDataCenter: 'datacenter1' })
  await session.changeSchema(`CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  await session.changeSchema(`CREATE TABLE ${name}.orders (id text PRIMARY KEY, amount int)`)
  for (const [i, key] of orders.ids.entries()) await session.query(`INSERT INTO ${name}.orders (id, amount) VALUES ('${key}', ${i + 1})`)
  return orders
}

/** Arguments that name the clusters. */
export function namedBy({ kafka, cassandra, registry }: Clusters): string[] {
  return ['--kafka', kafka, '--cassandra', cassandra, '--registry', registry]
}

interface Row {
  id: string
  amount: number
}

/** What a console that stands alone shows, may and may not, on whichever clusters. */
export function judgeConsoleAlone(clusters: () => Clusters): void {
  let written: WrittenOrders
  let alone: AloneConsole

  beforeAll(async () => {
    written = await writeOrders(clusters())
    alone = await startConsoleAlone(namedBy(clusters()))
  }, 300_000)
  afterAll(() => alone?.[Symbol.asyncDispose]())

  /** Records in the topic now, by kcat. */
  const inTopic = (): string[] => {
    if (kcat === null) throw new Error('kcat is not installed')
    const { stdout } = runTool(kcat, ['-b', clusters().kafka, '-C', '-t', written.topic, '-e', '-q', '-f', '%p:%o:%k\\n'])
    return stdout.split('\n').filter((line) => line !== '')
  }
  const rowsByCqlsh = (): string[] => {
    if (cqlsh === null) throw new Error('cqlsh is not installed')
    const [host = '', port = ''] = clusters().cassandra.split(':')
    const { stdout } = runTool(cqlsh, [host, port, '--no-color', '-e', `SELECT JSON id, amount FROM ${written.keyspace}.orders`])
    return [...stdout.matchAll(/\{.*\}/g)].map(([json]) => json).toSorted()
  }

  test('its first page says how the clusters are', { timeout: 120_000 }, async () => {
    const isWell = (parts: readonly { state: string }[]): boolean => parts.every(({ state }) => state === 'ok')
    const { parts } = await eventually(
      () => alone.get<{ parts: { name: string; state: string; is: string; detail: string }[] }>('/status'),
      (status) => isWell(status.parts),
      60_000,
    )
    expect(parts.map(({ name, is }) => `${name} ${is}`)).toEqual(['kafka remote', 'cassandra remote', 'registry remote'])
    expect(parts[0]?.detail).toMatch(/^cluster \S+, 1 broker, \d+ topics?/)
    expect(parts[1]?.detail).toMatch(/, version [\d.]+, datacenter1, 1 node$/)
    expect(parts[2]?.detail).toMatch(/^\d+ subjects?$/)
    expect(await alone.get('/me')).toMatchObject({
      role: 'admin',
      console: { project: false, readOnly: true, systems: ['kafka', 'cassandra', 'registry'] },
    })
  })

  test('topics, records read by the registry’s schema, and groups with their lag', { timeout: 120_000 }, async () => {
    const topics = await alone.get<{ name: string; offsets: number }[]>('/topics')
    expect(topics.find(({ name }) => name === written.topic)?.offsets).toBe(4)
    const records = await alone.get<{ partition: number; offset: string; key: { text: string }; value: { format: string; json: Row } }[]>(
      `/topics/${written.topic}/records?from=earliest`,
    )
    expect(records.map(({ value }) => value)).toMatchObject(written.ids.map((id, i) => ({ format: 'avro', json: { id, amount: i + 1 } })))
    expect(records.map(({ partition, offset, key }) => `${partition}:${offset}:${key.text}`)).toEqual(inTopic())
    const { groups } = await alone.get<{ groups: { groupId: string; lag: number }[] }>(`/topics/${written.topic}`)
    expect(groups).toMatchObject([{ groupId: written.group, lag: 2 }])
  })

  test('tables, rows and statements that read, as cqlsh sees them', { timeout: 120_000 }, async () => {
    const { rows } = await alone.get<{ rows: Row[] }>(`/tables/${written.keyspace}/orders/rows`)
    const { status, answer } = await alone.send('POST', '/cql', { cql: `SELECT id, amount FROM ${written.keyspace}.orders` })
    expect(status).toBe(200)
    for (const found of [rows, (answer as { rows: Row[] }).rows]) {
      const texts = found.map(({ id, amount }) => `{"id": "${id}", "amount": ${amount}}`)
      expect(texts.toSorted()).toEqual(rowsByCqlsh())
    }
  })

  test('a key is followed through all topics and tables, with who has read it', { timeout: 120_000 }, async () => {
    const follow = (key: string): Promise<unknown> => alone.get(`/follow?key=${key}`)
    const [first, last] = [await follow('o-1'), await follow('o-4')]
    const version = (id: string, amount: number, readBy: string[]): object => ({ record: { value: { json: { id, amount } } }, readBy })
    expect(first).toMatchObject([
      {
        stream: null,
        topic: written.topic,
        table: null,
        found: 1,
        versions: [version('o-1', 1, [written.group])],
        scanned: 4,
        complete: true,
      },
      { stream: null, topic: null, table: `${written.keyspace}.orders`, row: { id: 'o-1', amount: 1 } },
    ])
    expect(last).toMatchObject([{ versions: [version('o-4', 4, [])] }, { row: { id: 'o-4', amount: 4 } }])
    expect(await follow('nobody')).toEqual([])
  })

  test('nothing is written, whatever an admin sends, and what is refused says --write', { timeout: 120_000 }, async () => {
    const [records, rows] = [inTopic(), rowsByCqlsh()]
    const changes: [string, string, unknown][] = [
      ['POST', `/topics/${written.topic}/records`, { key: 'o-5', value: { id: 'o-5', amount: 5 } }],
      ['POST', '/cql', { cql: `INSERT INTO ${written.keyspace}.orders (id, amount) VALUES ('o-5', 5)` }],
      ['POST', '/cql', { cql: `--\rDELETE FROM ${written.keyspace}.orders WHERE id = 'o-1' /*\nSELECT 1 */` }],
      ['POST', '/cql', { cql: `DROP KEYSPACE ${written.keyspace}` }],
      ['POST', '/users', { name: 'eve', role: 'admin', password: 'long enough it is' }],
    ]
    for (const [method, path, body] of changes) {
      const refused = await alone.send(method, path, body)
      expect(refused).toMatchObject({ status: 403, answer: { code: 'FORBIDDEN', detail: expect.stringContaining('--write') } })
    }
    expect([inTopic(), rowsByCqlsh()]).toEqual([records, rows])
  })

  test('there are no DAGs and no dead letters, and a route says why', { timeout: 120_000 }, async () => {
    expect([await alone.get('/dags'), await alone.get('/runs'), await alone.get('/dead-letters')]).toEqual([[], [], []])
    expect(await alone.send('GET', '/dead-letters/load', undefined)).toMatchObject({ status: 404 })
  })

  test('the command reaches it by its folder: users, whose values are hidden, a new link, its end', { timeout: 240_000 }, async () => {
    await using own = await startConsoleAlone(namedBy(clusters()))
    const env = { MILLRACE_DATA_DIR: own.dataDir }
    expect(runAlone(['users', 'add', 'ann'], { env, input: 'long enough it is\n' })).toMatchObject({ code: 0 })
    const cookie = await cookieOf(own.address, 'ann')
    const shown = await fetch(`${own.address}/api/v1/topics/${written.topic}/records`, { headers: { cookie } }).then((answer) =>
      answer.text(),
    )
    expect(shown).toContain('•••')
    expect(shown).not.toContain('o-1')
    const { stdout } = runAlone(['open'], { env })
    const ask = await signedIn(own.address, stdout.trim())
    expect(await ask('GET', '/me', undefined)).toMatchObject({ answer: { role: 'admin' } })
    for (const file of ['access.json', 'admin-password', 'api.json']) expect(statSync(join(own.dataDir, file)).mode & 0o777).toBe(0o600)
    expect(statSync(own.dataDir).mode & 0o777).toBe(0o700)
    expect(runAlone(['stop'], { env })).toMatchObject({ code: 0 })
    expect(await own.stop()).toBe(0)
  })

  describe('with --write', () => {
    test('records are produced by the topic’s schema and rows changed; SIGTERM ends it in order', { timeout: 240_000 }, async () => {
      const own = await writeOrders(clusters())
      await using writing = await startConsoleAlone([...namedBy(clusters()), '--write', '--base-path', '/mill'])
      expect(writing.address).toMatch(/\/mill$/)
      const body = { key: 'o-5', value: { id: 'o-5', amount: 5 } }
      expect(await writing.send('POST', `/topics/${own.topic}/records`, body)).toMatchObject({ status: 200, answer: { offset: '4' } })
      const [newest] = await writing.get<{ value: unknown }[]>(`/topics/${own.topic}/records?limit=1`)
      expect(newest?.value).toMatchObject({ format: 'avro', json: { id: 'o-5', amount: 5 } })
      const insert = `INSERT INTO ${own.keyspace}.orders (id, amount) VALUES ('o-5', 5)`
      expect(await writing.send('POST', '/cql', { cql: insert })).toMatchObject({ status: 200 })
      const { rows } = await writing.get<{ rows: Row[] }>(`/tables/${own.keyspace}/orders/rows?key=["o-5"]`)
      expect(rows).toEqual([{ id: 'o-5', amount: 5 }])
      expect(await writing.stop()).toBe(0)
    })
  })
}

async function cookieOf(address: string, user: string): Promise<string> {
  const answer = await fetch(`${address}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password: 'long enough it is' }),
  })
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}
