import { createServer } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { writeApiAddress } from '../api-client/index.ts'
import { secret } from '../authoring/index.ts'
import type { EndpointsView } from '../core/index.ts'
import { Releasers, silentLogger } from '../platform/index.ts'
import { findSystems, type SystemOptions, type Whereabouts } from './whereabouts.ts'

const releasers = new Releasers()
afterEach(() => releasers.close())

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-where-'))
  releasers.add('folder', () => rmSync(path, { recursive: true, force: true }))
  return path
}

function find(options: SystemOptions = {}, env: Record<string, string> = {}): Promise<Whereabouts> {
  return findSystems({ dataDir: folder(), ...options }, env, silentLogger)
}

/** A Millrace that runs: what its socket answers. @returns its data folder */
async function running(answer: () => EndpointsView): Promise<string> {
  const dataDir = folder()
  const socket = join(dataDir, 's.sock')
  const server = createServer((_request, response) => response.end(JSON.stringify(answer())))
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  releasers.add('server', () => void server.close())
  writeApiAddress(dataDir, { socket, pid: process.pid })
  return dataDir
}

const local: EndpointsView = {
  project: 'shop',
  endpoints: {
    kafka: { bootstrapServers: ['127.0.0.1:5555'], sasl: { mechanism: 'PLAIN', username: 'millrace', password: 'generated' } },
    cassandra: { contactPoints: ['127.0.0.1:6666'], localDataCenter: 'datacenter1', consistency: 'ONE' },
    registry: { url: 'http://127.0.0.1:7777' },
  },
}

test('without anything: the usual ports of this machine', async () => {
  expect(await find()).toMatchObject({
    project: null,
    endpoints: {
      kafka: { bootstrapServers: ['127.0.0.1:9092'], topics: { create: 'auto' } },
      cassandra: { contactPoints: ['127.0.0.1:9042'], consistency: 'ONE' },
      registry: { url: 'http://127.0.0.1:8081' },
    },
  })
})

test('where a Millrace runs: its systems, with their credentials and its project', async () => {
  const dataDir = await running(() => local)
  expect(await find({ dataDir })).toMatchObject(local)
  expect(await find({ project: 'other', dataDir })).toMatchObject({ project: 'other' })
})

test('the data folder is the one of MILLRACE_DATA_DIR', async () => {
  const dataDir = await running(() => local)
  expect(await findSystems({}, { MILLRACE_DATA_DIR: dataDir }, silentLogger)).toMatchObject(local)
})

test('one that was killed, and left its address behind, is not waited for', async () => {
  const dataDir = folder()
  writeApiAddress(dataDir, { socket: join(dataDir, 'gone.sock'), pid: 1 })
  expect(await find({ dataDir })).toMatchObject({ endpoints: { kafka: { bootstrapServers: ['127.0.0.1:9092'] } } })
})

test('the environment wins over a Millrace that runs, and a registry goes with its Kafka', async () => {
  const dataDir = await running(() => local)
  const env = { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: 'k1:9092, k2:9092', MILLRACE_KAFKA_SASL_MECHANISM: 'PLAIN', MILLRACE_KAFKA_SASL_USERNAME: 'u', MILLRACE_KAFKA_SASL_PASSWORD: 'p' } // prettier-ignore
  const { endpoints } = await find({ dataDir }, env)
  expect(endpoints).toMatchObject({
    kafka: { bootstrapServers: ['k1:9092', 'k2:9092'], sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' } },
    cassandra: local.endpoints.cassandra,
    registry: null,
  })
})

test('options win over the environment, key by key; secrets may be referred to', async () => {
  const env = {
    MILLRACE_KAFKA_BOOTSTRAP_SERVERS: 'env:9092',
    MILLRACE_KAFKA_SASL_PASSWORD: 'of another user',
    MILLRACE_CASSANDRA_CONTACT_POINTS: 'c:9042',
    MILLRACE_CASSANDRA_USERNAME: 'ada',
    MILLRACE_CASSANDRA_PASSWORD: 'hers',
    MILLRACE_REGISTRY_URL: 'http://r:8081',
    THEIR_SECRET: 'given',
  }
  const options: SystemOptions = {
    kafka: { bootstrapServers: ['given:9092'], sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: secret.env('THEIR_SECRET') } },
    cassandra: { consistency: 'QUORUM' },
  }
  expect((await find(options, env)).endpoints).toMatchObject({
    kafka: { bootstrapServers: ['given:9092'], sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'given' } },
    cassandra: { contactPoints: ['c:9042'], consistency: 'QUORUM', credentials: { username: 'ada', password: 'hers' } },
    registry: { url: 'http://r:8081' },
  })
})

test('variables of other parts, wrong or not, are no concern of a service', async () => {
  const env = { MILLRACE_CONSOLE_PORT: 'x', MILLRACE_METADATA_URL: 'mysql://x', MILLRACE_CQL_PASSWORD: 'x', MILLRACE_RANDOMUSER: '?' }
  await expect(find({}, env)).resolves.toMatchObject({ project: null })
})

test.each<[string, SystemOptions, Record<string, string>, RegExp]>([
  ['an option', { kafka: { bootstrapServers: [] } }, {}, /^connect\(…\): "kafka\.bootstrapServers": write at least one host:port/],
  ['a variable', {}, { MILLRACE_CASSANDRA_CONSISTENCY: 'SOME' }, /^MILLRACE_CASSANDRA_CONSISTENCY="SOME": is not one of ONE/],
  ['a project', { project: 'my shop' }, {}, /^connect\(…\): "name": use 1 to 60 letters/],
])('%s that is wrong is named, with what is allowed', async (_what, options, env, message) => {
  await expect(find(options, env)).rejects.toThrow(message)
})

test('a token function is called in place, and one that a running Millrace gives is asked for anew', async () => {
  const own = await find({
    kafka: { bootstrapServers: ['k:9092'], sasl: { mechanism: 'OAUTHBEARER', token: async () => ({ value: 'mine', expiresAtMs: Date.now() + 600_000 }) } },
  }) // prettier-ignore
  const { sasl } = own.endpoints.kafka
  const source = sasl?.mechanism === 'OAUTHBEARER' ? sasl.token : null
  if (source === null) throw new Error('no token')
  expect(await own.tokens(source)).toMatchObject({ value: 'mine' })

  let given = 0
  const token = (): EndpointsView['endpoints']['kafka']['sasl'] => ({
    mechanism: 'OAUTHBEARER',
    token: { from: 'text', text: `token ${++given}` },
    extensions: {},
  })
  const dataDir = await running(() => ({
    ...local,
    endpoints: { ...local.endpoints, kafka: { bootstrapServers: ['k:9092'], sasl: token() } },
  }))
  const found = await find({ dataDir })
  expect(await found.tokens({ from: 'text', text: 'token 1' })).toMatchObject({ value: 'token 2' })
})

test('a token in a file is read anew', async () => {
  const path = join(folder(), 'token')
  writeFileSync(path, 'first')
  const found = await find({}, { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: 'k:9092', MILLRACE_KAFKA_SASL_MECHANISM: 'OAUTHBEARER', MILLRACE_KAFKA_SASL_TOKEN_FILE: path }) // prettier-ignore
  expect(found.endpoints.kafka.sasl).toEqual({ mechanism: 'OAUTHBEARER', token: { from: 'file', path }, extensions: {} })
  expect(await found.tokens({ from: 'file', path })).toMatchObject({ value: 'first' })
})
