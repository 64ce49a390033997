import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import { connectCassandra } from '../../src/cql-client/index.ts'
import { startCqlStore } from '../../src/cql-store/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { engines, type SparkEngine } from '../../tools/engines/index.ts'
import { root } from '../harness/project.ts'
import { describeWhenAsked } from './available.ts'

const ASKED_WITH = 'MILLRACE_ENGINES_SPARK'
const JOB_TIMEOUT_MS = 300_000
const PARTITIONS = 3
/** A multiple of the pages. */
const VISITS = 10_000
const PAGES = 40
const users = Array.from({ length: 200 }, (_, i) => ({ id: `user-${i}`, name: `Name ${i}` }))

/** A Kafka and a Cassandra, ours or real ones, and how they end. */
interface Stack extends AsyncDisposable {
  readonly bootstrapServers: string
  readonly contactPoint: string
}

async function realStack(): Promise<Stack> {
  const [kafka, cassandra] = await Promise.all([engines.kafka4(), engines.cassandra5()])
  return {
    bootstrapServers: kafka.bootstrapServers,
    contactPoint: cassandra.contactPoint,
    [Symbol.asyncDispose]: async () => void (await Promise.all([kafka[Symbol.asyncDispose](), cassandra[Symbol.asyncDispose]()])),
  }
}

async function embeddedStack(): Promise<Stack> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-spark-'))
  const broker = await startBroker({ dataDir: join(dir, 'kafka'), listeners: [{ host: '127.0.0.1', port: 0 }], flush: 'os' })
  const store = await startCqlStore({ dataDir: join(dir, 'tables'), host: '127.0.0.1', port: 0, flush: 'os' })
  return {
    bootstrapServers: broker.address,
    contactPoint: `127.0.0.1:${store.port}`,
    [Symbol.asyncDispose]: async () => {
      await broker.close()
      await store.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

describeWhenAsked(
  ASKED_WITH,
  ['spark35', 'kafka4', 'cassandra5'],
  'Spark reads what our Kafka client wrote and writes what our Cassandra client reads',
  () => judgeStack(realStack),
)
describeWhenAsked(ASKED_WITH, ['spark35'], 'Spark on the embedded broker and the table store', () => judgeStack(embeddedStack))

function judgeStack(start: () => Promise<Stack>): void {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-spark-job-'))
  let spark: SparkEngine
  let stack: Stack

  beforeAll(async () => {
    ;[spark, stack] = await Promise.all([engines.spark35(), start()])
    await using kafka = await connectKafka({ bootstrapServers: [stack.bootstrapServers], clientId: 'spark-test' })
    await kafka.admin.createTopics([{ name: 'users', partitions: PARTITIONS }])
    await using producer = kafka.producer({ compression: 'lz4' })
    await producer.send(users.map((user) => ({ topic: 'users', key: user.id, value: JSON.stringify(user) })))
    await using session = await connectCassandra({ contactPoints: [stack.contactPoint], localDataCenter: 'datacenter1' })
    await session.changeSchema("CREATE KEYSPACE judged WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    await session.changeSchema('CREATE TABLE judged.users (id text PRIMARY KEY, name text)')
  }, 900_000)
  afterAll(async () => {
    await stack[Symbol.asyncDispose]()
    await spark[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  test('reads a topic by its Kafka connector', { timeout: JOB_TIMEOUT_MS }, async () => {
    const view = `CREATE TEMPORARY VIEW topic USING kafka OPTIONS ("kafka.bootstrap.servers" "${stack.bootstrapServers}", subscribe "users")`
    const query = "SELECT partition, offset, CAST(key AS STRING), get_json_object(CAST(value AS STRING), '$.name') FROM topic"
    const lines = (await submit('spark-sql', {}, ['-e', `${view}; ${query};`])).trim().split('\n')
    const rows = lines.map((line) => line.split('\t'))
    expect(rows.map(([, , id, name]) => ({ id, name })).toSorted(byId)).toEqual(users.toSorted(byId))
    expect(new Set(rows.map(([partition, offset]) => `${partition}-${offset}`)).size).toBe(users.length)
    expect(new Set(rows.map(([partition]) => partition)).size).toBe(PARTITIONS)
  })

  test('brings the topic into a table by Structured Streaming, as the tutorial does', { timeout: JOB_TIMEOUT_MS }, async () => {
    const settings = {
      'spark.judged.kafka': stack.bootstrapServers,
      'spark.judged.topic': 'users',
      'spark.judged.keyspace': 'judged',
      'spark.judged.table': 'users',
      'spark.judged.checkpoint': join(dir, 'checkpoint'),
    }
    const said = await submit('spark-shell', settings, ['-i', join(root, 'test/engines/data/users-to-cassandra.scala')])
    const seen = [...said.matchAll(/^row (.*)$/gm)].map(([, row = '']): unknown => JSON.parse(row))
    await using session = await connectCassandra({ contactPoints: [stack.contactPoint], localDataCenter: 'datacenter1' })
    const { rows } = await session.query('SELECT id, name FROM judged.users')
    expect(rows.map(({ id, name }) => ({ id: String(id), name: String(name) })).toSorted(byId)).toEqual(users.toSorted(byId))
    expect(seen).toHaveLength(users.length)
  })

  test('scans a table by ranges of tokens, many at once, and writes into another', { timeout: JOB_TIMEOUT_MS }, async () => {
    await using session = await connectCassandra({ contactPoints: [stack.contactPoint], localDataCenter: 'datacenter1' })
    await session.changeSchema('CREATE TABLE judged.visits (page text, seq int, visitor text, PRIMARY KEY (page, seq))')
    await session.changeSchema('CREATE TABLE judged.pages (page text PRIMARY KEY, visits bigint, last int)')
    await using writer = await session.writer({
      keyspace: 'judged',
      table: 'visits',
      columns: [{ name: 'page', type: { is: 'text' } }, { name: 'seq', type: { is: 'int' } }, { name: 'visitor', type: { is: 'text' } }], // prettier-ignore
    })
    const visits = Array.from({ length: VISITS }, (_, i) => [`/page/${i % PAGES}`, i, `visitor ${i}`])
    const writeMicros = BigInt64Array.from(visits, (_, i) => BigInt(i + 1))
    expect(await writer.write(visits, writeMicros, new AbortController().signal)).toMatchObject({ is: 'done' })
    const view = (name: string): string =>
      `CREATE TEMPORARY VIEW ${name} USING org.apache.spark.sql.cassandra OPTIONS (keyspace "judged", table "${name}")`
    const sql = [
      view('visits'),
      view('pages'),
      'INSERT INTO pages SELECT page, count(*) AS visits, max(seq) AS last FROM visits GROUP BY page',
      'SELECT count(*), count(DISTINCT page), sum(seq) FROM visits',
      "SELECT visitor FROM visits WHERE page = '/page/3' AND seq < 100 ORDER BY seq",
    ]
    // Small splits: a partition of Spark's is a few ranges of tokens.
    const said = await submit('spark-sql', { 'spark.cassandra.input.split.sizeInMB': '1' }, ['-e', `${sql.join('; ')};`])
    expect(said.trim().split('\n')).toEqual([
      `${VISITS}\t${PAGES}\t${(VISITS * (VISITS - 1)) / 2}`,
      'visitor 3',
      'visitor 43',
      'visitor 83',
    ])
    const { rows } = await session.query('SELECT page, visits, last FROM judged.pages')
    expect(rows).toHaveLength(PAGES)
    expect(rows).toContainEqual({ page: '/page/7', visits: String(VISITS / PAGES), last: VISITS - PAGES + 7 })
  })

  /** Runs a program of Spark's on the master; what it wrote to its standard output. */
  async function submit(program: string, settings: Readonly<Record<string, string>>, args: readonly string[]): Promise<string> {
    const [host = '', port = ''] = stack.contactPoint.split(':')
    const all = {
      'spark.sql.catalogImplementation': 'in-memory',
      'spark.executor.memory': '512m',
      'spark.driver.host': '127.0.0.1',
      'spark.ui.enabled': 'false',
      'spark.cassandra.connection.host': host,
      'spark.cassandra.connection.port': port,
      ...settings,
    }
    const confs = Object.entries(all).flatMap(([name, value]) => ['--conf', `${name}=${value}`])
    const env = { ...process.env, SPARK_HOME: spark.sparkHome, SPARK_LOCAL_IP: '127.0.0.1', SPARK_LOCAL_DIRS: dir }
    const options = { cwd: dir, env, timeout: JOB_TIMEOUT_MS, maxBuffer: 64 * 1_048_576 }
    return (await promisify(execFile)(join(spark.sparkHome, 'bin', program), ['--master', spark.master, ...confs, ...args], options)).stdout
  }
}

const byId = (a: { id?: string | undefined }, b: { id?: string | undefined }): number => (a.id ?? '').localeCompare(b.id ?? '')
