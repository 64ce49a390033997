import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { secret } from '../authoring/index.ts'
import { messageOf } from '../platform/index.ts'
import { variables } from './environment.ts'
import { resolveSettings, type Settings } from './settings.ts'

let dir: string
const pem = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----'

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-settings-'))
})
afterAll(() => {
  rmSync(dir, { recursive: true })
})

function resolve(config: Record<string, unknown>, env: Record<string, string> = {}): Settings {
  return resolveSettings({ config: { name: 'users', ...config }, configPath: 'millrace.config.ts', projectDir: dir, env })
}

function refusal(config: Record<string, unknown>, env: Record<string, string> = {}): string {
  try {
    resolve(config, env)
  } catch (error) {
    return messageOf(error)
  }
  return 'it was taken'
}

const cluster = { bootstrapServers: ['127.0.0.1:9093'] }
const scram = { mechanism: 'SCRAM-SHA-512', username: 'u' }

describe('secrets', () => {
  test('come from a variable', () => {
    const { kafka, warnings } = resolve(
      { kafka: { ...cluster, sasl: { ...scram, password: secret.env('KAFKA_PASSWORD') } } },
      { KAFKA_PASSWORD: ' s3cret ' },
    )
    expect(kafka.remote?.sasl).toEqual({ mechanism: 'SCRAM-SHA-512', username: 'u', password: ' s3cret ' })
    expect(warnings).toEqual([])
  })

  test('come from a file beside the config, without the line end', () => {
    writeFileSync(join(dir, 'password'), 's3cret\n', { mode: 0o600 })
    const { kafka, warnings } = resolve({ kafka: { ...cluster, sasl: { ...scram, password: secret.file('./password') } } })
    expect(kafka.remote?.sasl).toMatchObject({ password: 's3cret' })
    expect(warnings).toEqual([])
  })

  test('in a file of the project that everybody may read are warned of', () => {
    writeFileSync(join(dir, 'open'), 's3cret')
    chmodSync(join(dir, 'open'), 0o644)
    const { warnings } = resolve({ kafka: { ...cluster, sasl: { ...scram, password: secret.file('open') } } })
    expect(warnings).toEqual([expect.stringMatching(/^kafka\.sasl\.password: every user of this machine may read .*chmod 600/)])
  })

  test('written in the config are taken, with a warning that does not repeat them', () => {
    const { kafka, warnings } = resolve({ kafka: { ...cluster, sasl: { ...scram, password: 's3cret' } } })
    expect(kafka.remote?.sasl).toMatchObject({ password: 's3cret' })
    expect(warnings).toEqual(['kafka.sasl.password is written in millrace.config.ts: use secret.env(…) or secret.file(…).'])
  })

  test('are not asked for where no cluster is named', () => {
    const { kafka, warnings } = resolve({ kafka: { tls: true, sasl: { ...scram, password: secret.env('KAFKA_PASSWORD') } } })
    expect(kafka.remote).toBeNull()
    expect(warnings).toEqual([expect.stringMatching(/^kafka\.tls and kafka\.sasl not used: without kafka\.bootstrapServers/)])
  })

  test('of PEM may have their line ends written out', () => {
    const { kafka } = resolve(
      { kafka: cluster },
      { MILLRACE_KAFKA_TLS_CA: '-----BEGIN CERTIFICATE-----\\nabc\\n-----END CERTIFICATE-----' },
    )
    expect(kafka.remote?.tls).toEqual({ ca: pem })
  })

  test.each([
    [
      'a variable that is not set',
      { password: secret.env('NO_SUCH') },
      /"kafka\.sasl\.password": the environment variable NO_SUCH is not set/,
    ],
    ['a file that is not there', { password: secret.file('none') }, /"kafka\.sasl\.password": the file .*none cannot be read \(ENOENT\)/],
    ['a number', { password: 12 }, /"kafka\.sasl\.password": write secret\.env/],
    ['nothing', {}, /"kafka\.sasl\.password": write secret\.env/],
  ])('refuse %s, naming the key', (_what, changed, message) => {
    expect(refusal({ kafka: { ...cluster, sasl: { ...scram, ...changed } } })).toMatch(message)
  })

  test('given twice are refused', () => {
    const env = { MILLRACE_KAFKA_SASL_PASSWORD: 'a', MILLRACE_KAFKA_SASL_PASSWORD_FILE: 'b' }
    expect(refusal({ kafka: cluster }, env)).toBe(
      'MILLRACE_KAFKA_SASL_PASSWORD and MILLRACE_KAFKA_SASL_PASSWORD_FILE are both set: leave one of them out.',
    )
  })
})

describe('a cluster', () => {
  test('is described by the environment alone', () => {
    writeFileSync(join(dir, 'ca.pem'), `${pem}\n`)
    writeFileSync(join(dir, 'cassandra-password'), 'c-s3cret\n')
    const settings = resolve(
      {},
      {
        MILLRACE_KAFKA_BOOTSTRAP_SERVERS: 'k1:9092,k2:9092',
        MILLRACE_KAFKA_TLS_CA_FILE: join(dir, 'ca.pem'),
        MILLRACE_KAFKA_TLS_VERIFY_HOSTNAME: 'false',
        MILLRACE_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
        MILLRACE_KAFKA_SASL_USERNAME: 'ku',
        MILLRACE_KAFKA_SASL_PASSWORD: 'k-s3cret',
        MILLRACE_KAFKA_REPLICATION_FACTOR: '3',
        MILLRACE_KAFKA_MIN_INSYNC_REPLICAS: '2',
        MILLRACE_KAFKA_TOPIC_CONFIGS: 'retention.ms=1000;cleanup.policy=compact,delete',
        MILLRACE_KAFKA_CREATE: 'never',
        MILLRACE_CASSANDRA_CONTACT_POINTS: 'c1',
        MILLRACE_CASSANDRA_LOCAL_DATA_CENTER: 'eu-west',
        MILLRACE_CASSANDRA_CONSISTENCY: 'QUORUM',
        MILLRACE_CASSANDRA_READ_CONSISTENCY: 'LOCAL_ONE',
        MILLRACE_CASSANDRA_USERNAME: 'cu',
        MILLRACE_CASSANDRA_PASSWORD_FILE: join(dir, 'cassandra-password'),
        MILLRACE_CASSANDRA_TLS: 'true',
        MILLRACE_CASSANDRA_REPLICATION: 'class=NetworkTopologyStrategy;eu-west=3',
        MILLRACE_CASSANDRA_CREATE: 'never',
        MILLRACE_METADATA_URL: 'postgres://m:p-s3cret@h/db',
      },
    )
    const topics = {
      create: 'never',
      replicationFactor: 3,
      minInsyncReplicas: 2,
      configs: { 'retention.ms': '1000', 'cleanup.policy': 'compact,delete' },
    }
    expect(settings.kafka.remote).toEqual({
      bootstrapServers: ['k1:9092', 'k2:9092'],
      tls: { ca: pem, verifyHostname: false },
      sasl: { mechanism: 'SCRAM-SHA-256', username: 'ku', password: 'k-s3cret' },
      topics,
    })
    expect(settings.cassandra).toMatchObject({
      remote: {
        contactPoints: ['c1'],
        localDataCenter: 'eu-west',
        consistency: 'QUORUM',
        readConsistency: 'LOCAL_ONE',
        credentials: { username: 'cu', password: 'c-s3cret' },
        tls: {},
      },
      replication: { class: 'NetworkTopologyStrategy', 'eu-west': 3 },
      create: 'never',
    })
    expect(settings.metadataUrl).toBe('postgres://m:p-s3cret@h/db')
  })

  test('is changed by the environment key by key', () => {
    const { kafka } = resolve(
      { kafka: { ...cluster, tls: true, sasl: { mechanism: 'PLAIN', username: 'u', password: secret.env('P') } } },
      { P: 'p', MILLRACE_KAFKA_SASL_USERNAME: 'other', MILLRACE_KAFKA_TLS_SERVER_NAME: 'broker.internal' },
    )
    expect(kafka.remote).toMatchObject({ tls: { serverName: 'broker.internal' }, sasl: { username: 'other', password: 'p' } })
  })

  test('is unencrypted where the environment says so', () => {
    const { kafka } = resolve({ kafka: { ...cluster, tls: { ca: pem } } }, { MILLRACE_KAFKA_TLS: 'false', MILLRACE_KAFKA_TLS_CA: pem })
    expect(kafka.remote?.tls).toBeUndefined()
  })

  test('signs in by the mechanism that the environment names', () => {
    const sasl = { mechanism: 'OAUTHBEARER', token: { function: 'kafka.sasl.token' } }
    const env = { MILLRACE_KAFKA_SASL_MECHANISM: 'PLAIN', MILLRACE_KAFKA_SASL_USERNAME: 'u', MILLRACE_KAFKA_SASL_PASSWORD: 'p' }
    expect(resolve({ kafka: { ...cluster, sasl } }, env).kafka.remote?.sasl).toEqual({ mechanism: 'PLAIN', username: 'u', password: 'p' })
  })

  test('may be known by its secure bundle alone', () => {
    const credentials = { username: 'token', password: secret.env('ASTRA_TOKEN') }
    const { cassandra } = resolve({ cassandra: { secureBundle: 'bundle.zip', credentials } }, { ASTRA_TOKEN: 'AstraCS:x' })
    expect(cassandra.remote).toMatchObject({ contactPoints: [], secureBundle: join(dir, 'bundle.zip'), consistency: 'LOCAL_QUORUM' })
  })

  test('that is away from this machine is warned of when passwords go there in the clear', () => {
    const sasl = { mechanism: 'PLAIN', username: 'u', password: secret.env('P') }
    const { warnings } = resolve({ kafka: { bootstrapServers: ['kafka.example.org:9092'], sasl } }, { P: 'p' })
    expect(warnings).toEqual(['kafka.tls is not set: the password goes to kafka.example.org:9092 unencrypted.'])
  })

  test('takes tokens from a function, a file that is written anew, or a variable', () => {
    const token = (from: unknown): unknown => {
      const { kafka } = resolve({ kafka: { ...cluster, sasl: { mechanism: 'OAUTHBEARER', token: from } } }, { TOKEN: 't' })
      return kafka.remote?.sasl?.mechanism === 'OAUTHBEARER' ? kafka.remote.sasl.token : null
    }
    writeFileSync(join(dir, 'token'), 't', { mode: 0o600 })
    expect(token({ function: 'kafka.sasl.token' })).toMatchObject({ from: 'function', fn: { export: 'default', node: 'kafka.sasl.token' } })
    expect(token(secret.file('token'))).toEqual({ from: 'file', path: join(dir, 'token') })
    expect(token(secret.env('TOKEN'))).toEqual({ from: 'text', text: 't' })
  })
})

describe('mistakes', () => {
  test.each([
    ['an unknown key of TLS', { kafka: { ...cluster, tls: { cafile: 'x' } } }, '"kafka.tls.cafile": there is no such key.'],
    ['a path for a PEM text', { kafka: { ...cluster, tls: { ca: './ca.pem' } } }, '"kafka.tls.ca": is no PEM text'],
    ['a certificate without its key', { kafka: { ...cluster, tls: { cert: pem } } }, '"kafka.tls.key": is missing: it belongs to "cert".'],
    [
      'an unknown mechanism',
      { kafka: { ...cluster, sasl: { mechanism: 'GSSAPI' } } },
      '"kafka.sasl.mechanism": is not one of PLAIN, SCRAM',
    ],
    ['a replication factor of 0', { kafka: { replicationFactor: 0 } }, '"kafka.replicationFactor": a replication factor is a whole number'],
    [
      'more in-sync replicas than there are',
      { kafka: { replicationFactor: 2, minInsyncReplicas: 3 } },
      '"kafka.minInsyncReplicas": is 3, more than the 2 replicas',
    ],
    ['a config that is no text', { kafka: { topicConfigs: { 'retention.ms': 1 } } }, '"kafka.topicConfigs.retention.ms": is not a text'],
    ['an unknown consistency', { cassandra: { consistency: 'TWO' } }, '"cassandra.consistency": is not one of ONE'],
    ['replication without a class', { cassandra: { replication: { dc1: 3 } } }, '"cassandra.replication": has no class'],
    [
      'a bundle beside contact points',
      { cassandra: { secureBundle: 'a', contactPoints: ['b'] } },
      '"cassandra.contactPoints": is in the secure bundle already',
    ],
    ['a metadata store that is none', { metadata: { url: 'mysql://u:s3cret@h/db' } }, '"metadata.url": write postgres://'],
  ])('%s: one message', (_what, config, message) => {
    const refused = refusal(config)
    expect(refused).toContain(`millrace.config.ts: ${message}`)
    expect(refused).not.toContain('s3cret')
  })

  test.each([
    ['MILLRACE_KAFKA_TLS', 'yes', 'MILLRACE_KAFKA_TLS="yes" is not true or false.'],
    ['MILLRACE_KAFKA_SASL_MECHANISM', 'GSSAPI', 'MILLRACE_KAFKA_SASL_MECHANISM="GSSAPI": is not one of PLAIN'],
    ['MILLRACE_KAFKA_REPLICATION_FACTOR', 'three', 'MILLRACE_KAFKA_REPLICATION_FACTOR="three": a replication factor is a whole number'],
    ['MILLRACE_KAFKA_TOPIC_CONFIGS', 'retention', 'MILLRACE_KAFKA_TOPIC_CONFIGS: "retention" is not name=value'],
    ['MILLRACE_CASSANDRA_READ_CONSISTENCY', 'TWO', 'MILLRACE_CASSANDRA_READ_CONSISTENCY="TWO": is not one of ONE'],
    ['MILLRACE_CASSANDRA_CREATE', 'no', 'MILLRACE_CASSANDRA_CREATE="no": is not one of auto, never'],
    ['MILLRACE_KAFKA_TLS_CA', 's3cret', '"kafka.tls.ca": is no PEM text'],
  ])('%s=%s: one message', (name, value, message) => {
    const refused = refusal({ kafka: cluster }, { [name]: value })
    expect(refused).toContain(message)
    expect(refused).not.toContain('s3cret')
  })
})

test('every key has a variable, but for what names the project', () => {
  expect(new Set(variables.map(({ name }) => name)).size).toBe(variables.length)
  expect(new Set(variables.map(({ key }) => key)).size).toBe(variables.length)
})
