import { describe, expect, test } from 'vitest'
import { resolveSettings, type Settings } from './settings.ts'

function resolve(config: unknown, env: Record<string, string> = {}): Settings {
  return resolveSettings({ config, configPath: '/p/millrace.config.ts', projectDir: '/p', env })
}

describe('settings', () => {
  test('have a default for everything but the name', () => {
    expect(resolve({ name: 'users' })).toEqual({
      project: 'users',
      projectDir: '/p',
      dataDir: '/p/.millrace',
      pipelines: ['**/*.pipeline.ts'],
      host: '127.0.0.1',
      advertisedHost: '127.0.0.1',
      kafka: { port: 9092, remote: null, topics: { create: 'auto', replicationFactor: -1, minInsyncReplicas: null, configs: {} } },
      cassandra: {
        port: 9042,
        embedded: { credentials: null, tls: null, clientTls: null },
        remote: null,
        localDataCenter: 'datacenter1',
        consistency: 'ONE',
        readConsistency: 'ONE',
        replication: null,
        create: 'auto',
      },
      registry: { port: 8081, remote: null },
      metadataUrl: null,
      console: { port: null, basePath: '', hosts: [], trustedProxies: [] },
      alerts: {
        webhook: null,
        repeatEveryMs: 4 * 3_600_000,
        resolveAfterMs: 60_000,
        rules: {
          lag: { records: 10_000, forMs: 300_000 },
          deadLetters: { records: 0, withinMs: 900_000 },
          stalled: { forMs: 60_000 },
          stopped: true,
          runFailed: true,
          partFailed: { forMs: 30_000 },
        },
        streams: new Map(),
      },
      randomUserMode: 'auto',
      randomUserUrl: null,
      warnings: [],
    })
  })

  test('come from the environment before the config', () => {
    const settings = resolve(
      { name: 'users', kafka: { port: 1, bootstrapServers: ['a:1'] }, randomUser: { mode: 'live' } },
      {
        MILLRACE_KAFKA_PORT: '0',
        MILLRACE_KAFKA_BOOTSTRAP_SERVERS: 'b:2, c:3',
        MILLRACE_CASSANDRA_CONTACT_POINTS: 'd:4',
        MILLRACE_RANDOMUSER: 'local',
        MILLRACE_DATA_DIR: '/data',
        MILLRACE_CONSOLE_TRUSTED_PROXIES: '10.0.0.0/8, fd00::7',
        MILLRACE_CONSOLE_BASE_PATH: '/tools/mill/',
        MILLRACE_CONSOLE_HOSTS: 'console.example.org, ::1',
      },
    )
    expect(settings).toMatchObject({
      kafka: { port: 0, remote: { bootstrapServers: ['b:2', 'c:3'] } },
      cassandra: { remote: { contactPoints: ['d:4'], consistency: 'LOCAL_QUORUM', readConsistency: 'LOCAL_QUORUM' } },
      console: { port: null, basePath: '/tools/mill', trustedProxies: ['10.0.0.0/8', 'fd00::7'], hosts: ['console.example.org', '::1'] },
      randomUserMode: 'local',
      dataDir: '/data',
    })
  })

  test('that listen everywhere are reached by a name one can connect to', () => {
    expect(resolve({ name: 'users' }, { MILLRACE_HOST: '0.0.0.0' }).advertisedHost).toBe('127.0.0.1')
    expect(resolve({ name: 'users' }, { MILLRACE_HOST: '0.0.0.0', MILLRACE_ADVERTISED_HOST: 'millrace' }).advertisedHost).toBe('millrace')
  })

  test.each([
    ['a missing name', {}, /millrace\.config\.ts: "name": /],
    ['a name for no topic', { name: 'my project' }, /"name": use 1 to 60 letters/],
    ['an unknown key', { name: 'users', kafka: { prot: 1 } }, /"kafka\.prot": there is no such key/],
    ['a port that is none', { name: 'users', kafka: { port: 70_000 } }, /"kafka\.port": .*65535/],
    [
      'a proxy that is everyone',
      { name: 'users', console: { trustedProxies: ['10.0.0.7', '0.0.0.0/0'] } },
      /"console\.trustedProxies\.1": .*10\.0\.0\.0\/8/,
    ],
    ['a name that is a URL', { name: 'users', console: { hosts: ['https://a.example'] } }, /"console\.hosts\.0": .*without scheme/],
    [
      'a base path that climbs',
      { name: 'users', console: { basePath: '/a/../b' } },
      /"console\.basePath": write a path such as \/tools\/millrace/,
    ],
    ['no object', 12, /the config: /],
  ])('refuse %s, naming file and key', (_what, config, message) => {
    expect(() => resolve(config)).toThrow(message)
  })

  test.each([
    ['MILLRACE_CQL_PORT', 'x', /MILLRACE_CQL_PORT="x": a port is a whole number/],
    ['MILLRACE_CONSOLE_PORT', '-1', /MILLRACE_CONSOLE_PORT="-1"/],
    [
      'MILLRACE_CONSOLE_TRUSTED_PROXIES',
      '10.0.0.7, proxy',
      /^MILLRACE_CONSOLE_TRUSTED_PROXIES="10\.0\.0\.7, proxy": write addresses or CIDRs/,
    ],
    ['MILLRACE_REGISTRY_URL', 'nowhere', /MILLRACE_REGISTRY_URL="nowhere": is not a URL/],
    ['MILLRACE_REGISTRY_URL', 'http://u:s3cret@h:8081', /^registry\.url holds a user or password: (?!.*s3cret)/],
    ['MILLRACE_RANDOMUSER_URL', 'http://u:s3cret@h/api', /^randomUser\.url holds a user or password: (?!.*s3cret)/],
    ['MILLRACE_RANDOMUSER', 'remote', /not one of auto, live, local/],
    ['MILLRACE_METADATA_URL', 'mysql://u:s3cret@h/db', /^MILLRACE_METADATA_URL is not the URL of a PostgreSQL database: (?!.*s3cret)/],
  ])('refuse %s=%s, saying what is allowed', (name, value, message) => {
    expect(() => resolve({ name: 'users' }, { [name]: value })).toThrow(message)
  })
})
