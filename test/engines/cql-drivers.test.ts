import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCqlStore } from '../../src/cql-store/index.ts'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { engines } from '../../tools/engines/index.ts'
import { judgedBy, packageTitle } from '../harness/judges.ts'
import { titlesOf, enginesAvailable } from './available.ts'
import { driverPrograms, runDriver, type Where } from './driver-programs.ts'
import { judgeNodeDriver } from './node-driver.ts'

const BRINGS_WITHIN_MS = 600_000

interface Server extends AsyncDisposable {
  readonly where: Omit<Where, 'keyspace'>
}

/** What every driver sees of the table `events`, of what it wrote, and of refusals; what each has beside is below. */
const singleWrites = ['kept', null, [4, 3, 2, 1].map((seq) => [seq, 'red']), [false, 'batched'], 'late']
const refused = (keyspace: string): string[] => ['syntax', 'invalid', `exists ${keyspace}.keys`]

/** By the driver's title: what its program tells, on our store and on Cassandra. 500 rows by pages of 50 end with an empty one. */
const expected: Readonly<Record<string, (keyspace: string) => object>> = {
  'cassandra-driver 3.30.1 for Python': (keyspace) => ({
    partitionKey: ['org', 'kind'],
    clusteringKey: [['seq', true]],
    columns: { org: ['text', false], kind: ['ascii', false], seq: ['int', false], note: ['text', false], team: ['text', true] },
    describes: true,
    written: true,
    pages: 11,
    ordered: true,
    byTokenRanges: [200, true],
    replicas: 1,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    single: singleWrites,
    typesThatDiffer: [],
    afterAlter: [['id'], ['id', 'added'], 1],
    refused: refused(keyspace),
    traced: true,
    seenByAnother: true,
    compressed: true,
  }),
  'java-driver 4.19.0': () => ({
    partitionKey: ['org', 'kind'],
    clusteringKey: ['seq DESC'],
    columns: { org: 'text', kind: 'ascii', seq: 'int', note: 'text', team: 'text static' },
    describes: true,
    paged: [11, true],
    byTokenRanges: [200, 1, 'org.apache.cassandra.dht.Murmur3Partitioner'],
    single: singleWrites,
    mapped: ['/page/2', '/page/3', [4, 3, 2, 1]],
    typesThatDiffer: [],
    afterAlter: [1, 2, 1],
    refused: ['syntax', 'invalid', 'exists'],
    traced: 'Execute CQL3 query',
    seenByAnother: true,
  }),
  'gocql 2.1.2': (keyspace) => ({
    partitionKey: ['org', 'kind'],
    clusteringKey: ['seq', 'desc'],
    // The protocol's numbers of types: 10 varchar, 1 ascii, 9 int.
    columns: { org: ['10', false], kind: ['1', false], seq: ['9', false], note: ['10', false], team: ['10', true] },
    written: true,
    pages: 11,
    ordered: true,
    single: singleWrites,
    typesThatDiffer: [],
    columnsBefore: 1,
    refused: refused(keyspace),
    traced: 'Execute CQL3 prepared query',
  }),
}

async function ours(): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-drivers-'))
  const store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  return {
    where: { host: '127.0.0.1', port: store.port },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function oursSecured(): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-drivers-'))
  const authority = await makeAuthority()
  const { cert, key } = await authority.issue({ name: 'store', dns: ['localhost'], ips: ['127.0.0.1'] })
  const client = await authority.issue({ name: 'client', dns: ['client'], ips: [] })
  const credentials = { username: 'ada', password: 'of this test alone' }
  const tls = { cert, key, clientCa: authority.cert }
  const store = await startCqlStore({ dataDir: join(dataDir, 'tables'), host: '127.0.0.1', port: 0, flush: 'os', credentials, tls })
  const files = filesOf(dataDir, { ca: authority.cert, ...client })
  return {
    where: { host: '127.0.0.1', port: store.port, secured: { ...credentials, ...files } },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

function filesOf(dir: string, texts: { ca: string; cert: string; key: string }): { ca: string; cert: string; key: string } {
  const path = (name: string, text: string): string => {
    const file = join(dir, `${name}.pem`)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }
  return { ca: path('ca', texts.ca), cert: path('cert', texts.cert), key: path('key', texts.key) }
}

const addressOf = (contactPoint: string): { host: string; port: number } => {
  const [host = '', port = ''] = contactPoint.split(':')
  return { host, port: Number(port) }
}

async function theirs(): Promise<Server> {
  const cassandra = await engines.cassandra5()
  return { where: addressOf(cassandra.contactPoint), [Symbol.asyncDispose]: async () => cassandra[Symbol.asyncDispose]() }
}

async function theirsSecured(): Promise<Server> {
  const cassandra = await engines.cassandra5Secured()
  const dir = mkdtempSync(join(tmpdir(), 'millrace-drivers-'))
  const { ca, cert, key } = cassandra.tls
  const files = filesOf(dir, { ca, cert, key })
  return {
    where: { ...addressOf(cassandra.contactPoint), secured: { ...cassandra.superuser, ...files } },
    [Symbol.asyncDispose]: async () => {
      await cassandra[Symbol.asyncDispose]()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const servers = [
  { of: 'the table store', names: [], start: ours },
  { of: 'the table store with a password and mTLS', names: [], start: oursSecured },
  { of: 'Cassandra 5', names: ['cassandra5'], start: theirs },
  { of: 'Cassandra 5 with a password and mTLS', names: ['cassandra5Secured'], start: theirsSecured },
]

for (const { of, names, start } of servers) {
  describe(`drivers on ${of}`, { skip: !enginesAvailable(names) }, () => {
    let server: Server
    beforeAll(async () => {
      server = await start()
    }, BRINGS_WITHIN_MS)
    afterAll(() => server[Symbol.asyncDispose]())

    const judges = (title: string) => judgedBy(...(names.length === 0 ? [title] : titlesOf(names)))

    for (const program of driverPrograms) {
      const lacking = program.lacking()
      if (lacking !== null && process.env.CI === 'true') throw new Error(`${program.title} must run in CI: ${lacking}`)
      if (lacking !== null) console.warn(`left out: ${program.title}: ${lacking}`)
      describe(program.title, { skip: lacking !== null, ...judges(program.title) }, () => {
        test('sees the schema, the ring, pages, values of every type, and refusals', { timeout: BRINGS_WITHIN_MS }, async () => {
          const keyspace = 'judged'
          const seen = await runDriver(program, { ...server.where, keyspace })
          expect(seen).toEqual(expected[program.title]?.(keyspace))
        })
      })
    }

    const node = packageTitle('cassandra-driver')
    describe(`${node} for Node`, judges(node), () => {
      test('sees the schema, the ring, pages, values of every type, and refusals', { timeout: 240_000 }, async () => {
        expect(await judgeNodeDriver({ ...server.where, keyspace: 'judged_node' })).toEqual({
          partitionKey: ['org', 'kind'],
          clusteringKey: [['seq', 'DESC']],
          columns: ['kind', 'note', 'org', 'seq', 'team'],
          pages: 11,
          ordered: true,
          replicas: 1,
          byTokenRanges: 200,
          single: singleWrites,
          mapped: ['/page/2', false, [4, 3, 2, 1]],
          typesThatDiffer: [],
          afterAlter: [1, 2, 1],
          refused: [0x2000, 0x2200, 0x2400],
          traced: 'Execute CQL3 query',
          seenByAnother: true,
        })
      })
    })
  })
}
