import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { listenTcp, Releasers, siblingPath, systemClock } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { startSourceProcess, type SourceProcess } from '../harness/source-process.ts'
import { describeOn } from './available.ts'
import { startKillableBroker } from './killable-broker.ts'
import { rowsOf } from './transaction-copier.ts'

/** P4, for each source: its process is killed between and within pages, and each record is in the topic once. */
describeOn([], 'sources that are killed, on our embedded broker', () => judge(startKillableBroker, null))
describeOn(['kafka4', 'postgres15'], 'sources that are killed, on Kafka 4 and PostgreSQL', () => judge(engines.kafka4, engines.postgres15))

const flowRun = siblingPath(import.meta.url, '../harness/flow-run')
/** A sample: `source-transactions.test.ts` kills one source more often, on each Kafka. */
const KILLS = 3
const RECORDS = 4_000

interface Broker extends AsyncDisposable {
  readonly bootstrapServers: string
}

function judge(start: () => Promise<Broker>, startPostgres: typeof engines.postgres15 | null): void {
  const parts = new Releasers()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
  const random = seededRandom(11)
  let bootstrapServers = ''
  let databaseUrl = ''
  let kafka: KafkaClient

  beforeAll(async () => {
    parts.add('folder', () => rmSync(folder, { recursive: true }))
    const broker = await start()
    parts.add('broker', async () => broker[Symbol.asyncDispose]())
    ;({ bootstrapServers } = broker)
    kafka = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'source-kills' })
    parts.add('kafka', () => kafka.close())
    if (startPostgres === null) return
    const postgres = await startPostgres()
    parts.add('postgres', async () => postgres[Symbol.asyncDispose]())
    databaseUrl = postgres.url
  }, 600_000)
  afterAll(() => parts.close())

  const startRun = (kind: string, run: string, from: string, env: Record<string, string> = {}): SourceProcess =>
    startSourceProcess(flowRun, [kind, bootstrapServers, `into-${kind}`, run, from], { SOURCE_URL: databaseUrl, ...env })

  const keysIn = async (topic: string): Promise<string[]> => {
    await using reader = kafka.reader({ topic, from: 'earliest', isolationLevel: 'read_committed', maxWaitMs: 100 })
    const keys: string[] = []
    do for (const batch of await reader.poll()) keys.push(...rowsOf(batch).map(({ key }) => key))
    while (!reader.atEnd())
    return keys
  }

  const ids = Array.from({ length: RECORDS }, (_, n) => String(n))

  /** @param from what the last run reads; those that are killed read the same unless `endless` says otherwise */
  async function killed(kind: string, from: string, endless = from): Promise<string[]> {
    await kafka.admin.createTopics([{ name: `into-${kind}`, partitions: 3 }])
    for (let kill = 0; kill < KILLS; kill++) {
      const run = startRun(kind, `run-${kill}`, endless)
      await run.hasWritten(1 + Math.floor(random() * 3))
      await run.killAfter(random() * 12)
    }
    expect(await startRun(kind, 'last', from).ended).toMatch(/^done \d+$/)
    return keysIn(`into-${kind}`)
  }

  const sorted = (keys: readonly string[]): string[] => keys.toSorted((a, b) => Number(a) - Number(b))

  test('generator', { timeout: 240_000 }, async () => {
    const keys = await killed('generator', '2', '100000')
    expect(sorted(keys)).toEqual(Array.from(keys, (_, n) => String(n)))
  })

  test('fileTail', { timeout: 240_000 }, async () => {
    const lines = ids.map((id) => `${JSON.stringify({ id })}\n`)
    for (const part of [0, 1]) writeFileSync(join(folder, `${part}.ndjson`), lines.slice(part * 2_000, (part + 1) * 2_000).join(''))
    expect(sorted(await killed('files', join(folder, '*.ndjson')))).toEqual(ids)
  })

  test('kafkaRecords', { timeout: 240_000 }, async () => {
    await kafka.admin.createTopics([{ name: 'from-kafka', partitions: 3 }])
    await using producer = kafka.producer()
    await producer.send(ids.map((id) => ({ topic: 'from-kafka', key: id, value: JSON.stringify({ id }) })))
    expect(sorted(await killed('kafka', 'from-kafka'))).toEqual(ids)
  })

  if (startPostgres !== null)
    test('postgresQuery', { timeout: 240_000 }, async () => {
      const sql = new pg.Client(databaseUrl)
      await sql.connect()
      await sql.query('CREATE TABLE items AS SELECT id FROM generate_series(0, $1::int - 1) AS id', [RECORDS])
      await sql.end()
      expect(sorted(await killed('postgres', 'items'))).toEqual(ids)
    })

  test('webhook: what was acknowledged is there, once, however often it was sent', { timeout: 240_000 }, async () => {
    const free = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => {} })
    await free.close()
    await kafka.admin.createTopics([{ name: 'into-webhook', partitions: 3 }])
    const senders = startSenders(`http://127.0.0.1:${free.port}/`)
    for (let kill = 0; kill < KILLS; kill++) {
      const run = startRun('webhook', `run-${kill}`, String(free.port))
      await run.hasWritten(1 + Math.floor(random() * 20))
      await run.killAfter(random() * 12)
      // Between the commit and its answers, which senders then do not have.
      expect(await startRun('webhook', `dies-${kill}`, String(free.port), { DIES_AFTER: '3' }).ended).toMatch(/^page /)
    }
    const last = startRun('webhook', 'last', String(free.port))
    await last.hasWritten(5)
    const acknowledged = await senders.end()
    await last.killAfter(0)
    const keys = await keysIn('into-webhook')
    expect(new Set(keys).size).toBe(keys.length)
    expect(sorted(keys)).toEqual(sorted(acknowledged))
    expect(keys.length).toBeGreaterThan(KILLS)
  })
}

/** Senders that send each of their records until it is acknowledged, as senders of webhooks do. */
function startSenders(url: string): { end(): Promise<string[]> } {
  const acknowledged: string[] = []
  const end = new AbortController()
  let next = 0
  const send = async (id: string): Promise<boolean> => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': id }
    const response = await fetch(url, { method: 'POST', headers, body: '{"of":"a sender"}' }).catch(() => null)
    return response?.status === 200
  }
  const sending = Array.from({ length: 8 }, async () => {
    while (!end.signal.aborted) {
      const id = String(next++)
      while (!(await send(id))) await systemClock.sleep(20)
      acknowledged.push(id)
    }
  })
  return {
    end: async () => {
      end.abort()
      await Promise.all(sending)
      return acknowledged
    },
  }
}
