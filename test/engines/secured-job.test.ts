import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DoctorReport, StatusView } from '../../src/core/index.ts'
import { connectCassandra } from '../../src/cql-client/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { engines, type SecuredCassandraEngine, type SecuredKafkaEngine } from '../../tools/engines/index.ts'
import { eventually, run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { asTested, createProject, root, type TestProject } from '../harness/project.ts'
import { idsInTable, idsInTopic } from '../harness/users.ts'
import { describeOn } from './available.ts'

/** Real systems beside each other on a busy machine. */
const TEST_MS = 300_000
const PACE = "every: '20ms', pages: 40"
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } = kafkajs

describeOn(['kafka4Secured', 'cassandra5Secured'], 'the reference job on systems with TLS, users and rights', () => {
  let kafka: SecuredKafkaEngine
  let cassandra: SecuredCassandraEngine
  let project: TestProject
  let millrace: Started
  let secretsDir: string
  let env: Record<string, string>

  beforeAll(async () => {
    ;[kafka, cassandra] = await Promise.all([engines.kafka4Secured(), engines.cassandra5Secured()])
    secretsDir = mkdtempSync(join(tmpdir(), 'millrace-secrets-'))
    const file = (name: string, text: string): string => {
      writeFileSync(join(secretsDir, name), `${text}\n`, { mode: 0o600 })
      return join(secretsDir, name)
    }
    env = {
      MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafka.saslServers,
      MILLRACE_KAFKA_TLS_CA_FILE: file('kafka-ca.pem', kafka.tls.ca),
      MILLRACE_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      MILLRACE_KAFKA_SASL_USERNAME: kafka.limited.username,
      MILLRACE_KAFKA_SASL_PASSWORD_FILE: file('kafka-password', kafka.limited.password),
      MILLRACE_KAFKA_REPLICATION_FACTOR: '1',
      MILLRACE_KAFKA_MIN_INSYNC_REPLICAS: '1',
      MILLRACE_CASSANDRA_CONTACT_POINTS: cassandra.contactPoint,
      MILLRACE_CASSANDRA_TLS_CA: cassandra.tls.ca.replaceAll('\n', String.raw`\n`),
      MILLRACE_CASSANDRA_TLS_CERT: cassandra.tls.cert,
      MILLRACE_CASSANDRA_TLS_KEY_FILE: file('cassandra-key.pem', cassandra.tls.key),
      MILLRACE_CASSANDRA_USERNAME: cassandra.limited.username,
      MILLRACE_CASSANDRA_PASSWORD: cassandra.limited.password,
    }
    project = createProject(PACE)
    await grantOn(kafka, 'users')
    millrace = startMillrace(project, { env, args: [] })
    await millrace.until(/look /, 120_000)
  }, 900_000)
  afterAll(async () => {
    await millrace?.[Symbol.asyncDispose]()
    await kafka?.[Symbol.asyncDispose]()
    await cassandra?.[Symbol.asyncDispose]()
    project?.remove()
    if (secretsDir) rmSync(secretsDir, { recursive: true })
  })

  /** Starts Millrace in the project; one that a failed test left behind is ended first. */
  const startAgain = async (options: Parameters<typeof startMillrace>[1]): Promise<void> => {
    await millrace[Symbol.asyncDispose]()
    millrace = startMillrace(project, options)
    await millrace.until(/look /, 120_000)
  }
  const doctor = (): DoctorReport => runJson<DoctorReport>(project, ['doctor'])
  const status = (): StatusView => runJson<StatusView>(project, ['status'])
  /** Waits until as many users are in the topic and in the table. */
  const usersAre = async (count: number): Promise<void> => {
    await eventually(status, ({ flows: [flow] }) => flow?.inTable === count && flow.lag === 0, 90_000)
    const ids = idsInTopic(project)
    expect(ids).toHaveLength(count)
    expect(idsInTable(project).toSorted()).toEqual(ids.toSorted())
  }
  /** No password, key or token of this start is in it. */
  const showsNoSecret = (text: string): void => {
    const secrets = [kafka.limited.password, cassandra.limited.password, cassandra.tls.key.split('\n')[1] ?? '']
    expect(secrets.filter((secret) => secret === '' || text.includes(secret))).toEqual([])
  }

  test('is the file of the example, but for its pace', () => {
    const example = readFileSync(join(root, 'examples/users/users.pipeline.ts'), 'utf8')
    expect(readFileSync(project.pipelinePath, 'utf8')).toBe(asTested(example, PACE))
  })

  test(
    'without the right to create, the doctor gives an administrator every command at once, which then are enough',
    { timeout: TEST_MS },
    async () => {
      const { administrator, healthy } = await eventually(doctor, (report) => report.administrator.length > 0, 60_000)
      expect(healthy).toBe(false)
      const topics = administrator.filter((command) => command.startsWith('kafka-topics.sh '))
      expect(topics.map((command) => / --topic (\S+)/.exec(command)?.[1])).toEqual([
        'users_created',
        'users.load_users.dlq',
        'users.load_users.retry',
        '__millrace_users_cursors',
        '__millrace_users_definitions',
      ])
      expect(run(project, ['doctor']).stdout).toContain(`  ${administrator[0]}\n`)
      showsNoSecret(millrace.output() + run(project, ['doctor']).stdout + readFileSync(join(project.dataDir, 'logs/millrace.log'), 'utf8'))
      expect(await millrace.stop()).toBe(0)
      await makeTopics(kafka, topics)
      await runCql(cassandra, administrator.filter((command) => !topics.includes(command)).join(' '))
    },
  )

  test('as a user who may create nothing, brings every user of the topic into the table', { timeout: TEST_MS }, async () => {
    await startAgain({ env })
    await usersAre(40)
    expect(doctor()).toMatchObject({ healthy: true, administrator: [], summary: '40 fetched · 40 in topic · 40 in table' })
    expect(status().warnings).toEqual([expect.stringMatching(/^topic users_created is written as JSON, there being no schema registry/)])
    expect(run(project, ['topics']).stdout).toMatch(/users_created +6 +\d+/)
    expect(await millrace.stop()).toBe(0)
    showsNoSecret(millrace.output() + readFileSync(join(project.dataDir, 'logs/millrace.log'), 'utf8'))
  })

  test('goes on with tokens of a function in the config, whose sessions are renewed', { timeout: TEST_MS }, async () => {
    const sasl = `{ mechanism: 'OAUTHBEARER', token: async () => ({ value: (await readFile(process.env.TEST_TOKEN_FILE ?? '', 'utf8')).trim() }) }`
    const config = `{ name: 'users', kafka: { tls: true, sasl: ${sasl} } }`
    const imports = "import { readFile } from 'node:fs/promises'\nimport { defineConfig } from 'millrace'"
    writeFileSync(join(project.dir, 'millrace.config.ts'), `${imports}\nexport default defineConfig(${config})\n`)
    const TEST_TOKEN_FILE = join(secretsDir, 'token')
    const token = kafka.token({ username: kafka.limited.username })
    writeFileSync(TEST_TOKEN_FILE, token)
    const { MILLRACE_KAFKA_SASL_MECHANISM: _m, MILLRACE_KAFKA_SASL_USERNAME: _u, MILLRACE_KAFKA_SASL_PASSWORD_FILE: _p, ...others } = env
    await startAgain({ env: { ...others, TEST_TOKEN_FILE }, args: [] })
    await millrace.until(/40 in table/, 120_000)
    expect(run(project, ['trigger', 'user_automation', '--wait'])).toMatchObject({ code: 0 })
    await usersAre(80)
    // Commands get their token from the running Millrace: the function's own environment is not theirs.
    expect(run(project, ['topics']).stdout).toMatch(/users_created +6 +\d+/)
    expect(await millrace.stop()).toBe(0)
    expect(millrace.output() + readFileSync(join(project.dataDir, 'logs/millrace.log'), 'utf8')).not.toContain(token)
  })

  test('with a token function that fails, the doctor says so', { timeout: TEST_MS }, async () => {
    const { MILLRACE_KAFKA_SASL_MECHANISM: _m, MILLRACE_KAFKA_SASL_USERNAME: _u, MILLRACE_KAFKA_SASL_PASSWORD_FILE: _p, ...others } = env
    await startAgain({ env: { ...others, TEST_TOKEN_FILE: join(secretsDir, 'none') }, args: [] })
    const { summary } = await eventually(doctor, (report) => /kafka\.sasl\.token/.test(report.summary), 60_000)
    expect(summary).toMatch(/kafka\.sasl\.token of millrace\.config\.ts failed: ENOENT/)
    expect(await millrace.stop()).toBe(0)
  })
})

/** The rights that docs/configuration.md lists, and no others. */
async function grantOn(kafka: SecuredKafkaEngine, project: string): Promise<void> {
  const admin = new Kafka({ brokers: [kafka.bootstrapServers], logLevel: logLevel.ERROR }).admin()
  await admin.connect()
  const topics = [
    'users_created',
    `${project}.load_users.dlq`,
    `${project}.load_users.retry`,
    `__millrace_${project}_cursors`,
    `__millrace_${project}_definitions`,
  ]
  const operations = [AclOperationTypes.READ, AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE]
  const acl = (
    resourceType: kafkajs.AclResourceTypes,
    resourceName: string,
    operation: kafkajs.AclOperationTypes,
  ): kafkajs.AclEntry & kafkajs.AclResource => ({
    resourceType,
    resourceName,
    operation,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${kafka.limited.username}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
  })
  await admin.createAcls({
    acl: [
      ...topics.flatMap((topic) => operations.map((operation) => acl(AclResourceTypes.TOPIC, topic, operation))),
      acl(AclResourceTypes.GROUP, `millrace.${project}.load_users`, AclOperationTypes.READ),
      acl(AclResourceTypes.GROUP, `millrace.${project}.load_users`, AclOperationTypes.DESCRIBE),
      ...[AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE].map((operation) => ({
        ...acl(AclResourceTypes.TRANSACTIONAL_ID, `millrace.${project}.`, operation),
        resourcePatternType: ResourcePatternTypes.PREFIXED,
      })),
    ],
  })
  await admin.disconnect()
}

/** Does what `kafka-topics.sh` would, by the port where everyone may do everything: every option of the commands counts. */
async function makeTopics(kafka: SecuredKafkaEngine, commands: readonly string[]): Promise<void> {
  await using client = await connectKafka({ bootstrapServers: [kafka.bootstrapServers], clientId: 'administrator' })
  for (const command of commands) {
    const valueOf = (option: string): string => new RegExp(` --${option} (\\S+)`).exec(command)?.[1] ?? ''
    const configs = Object.fromEntries(
      [...command.matchAll(/ --config ([^=\s]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    )
    const topic = {
      name: valueOf('topic'),
      partitions: Number(valueOf('partitions')),
      replicationFactor: Number(valueOf('replication-factor')),
    }
    await client.admin.createTopics([{ ...topic, configs }])
  }
}

async function runCql(cassandra: SecuredCassandraEngine, script: string): Promise<void> {
  const { contactPoint, superuser: credentials, tls } = cassandra
  await using session = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: 'datacenter1', credentials, tls })
  for (const statement of script.split(';').filter((text) => text.trim() !== '')) await session.query(statement)
}
