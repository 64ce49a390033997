import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrokerThread } from '../../src/broker/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { Releasers } from '../../src/platform/index.ts'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { bringKafkaTools, runKafkaTool } from '../../tools/engines/kafka-tools.ts'
import { describeOn } from './available.ts'
import { describePython, runPython } from './python.ts'

const admin = { username: 'admin', password: 'of this test, with "quotes"' }
const parts = new Releasers()
let address: string
let caPath: string

beforeAll(async () => {
  await bringKafkaTools()
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-secured-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true, force: true }))
  const authority = await makeAuthority()
  const { cert, key } = await authority.issue({ name: 'localhost' })
  caPath = join(dataDir, 'ca.pem')
  writeFileSync(caPath, authority.cert)
  const config = { 'connections.max.reauth.ms': '3000' }
  const listener = { host: '127.0.0.1', port: 0, advertisedHost: 'localhost', credentials: admin, tls: { cert, key } }
  const broker = await startBrokerThread({ dataDir: join(dataDir, 'kafka'), listeners: [listener], config })
  parts.add('broker', () => broker.close())
  address = `localhost:${broker.listeners[0]?.port}`
  const ca = authority.cert
  await using kafka = await connectKafka({
    bootstrapServers: [address],
    clientId: 't',
    tls: { ca },
    sasl: { mechanism: 'PLAIN', ...admin },
  })
  await kafka.admin.createTopics([
    { name: 'java', partitions: 1 },
    { name: 'python', partitions: 1 },
  ])
}, 200_000)
afterAll(() => parts.close())

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const quoted = (text: string): string => JSON.stringify(text)

function clientProperties(mechanism: (typeof mechanisms)[number], { username, password } = admin): string {
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
  return [
    'security.protocol=SASL_SSL',
    `sasl.mechanism=${mechanism}`,
    `sasl.jaas.config=org.apache.kafka.common.security.${module} required username=${quoted(username)} password=${quoted(password).replaceAll('\\', '\\\\')};`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${caPath}`,
  ].join('\n')
}

describeOn(['kafka3'], "Java's clients on our secured broker", () => {
  test.each(mechanisms)('produce by %s for longer than a session lasts (KIP-368)', { timeout: 240_000 }, async (mechanism) => {
    const args = ['--topic', 'java', '--num-records', '6000', '--record-size', '100', '--throughput', '1000', '--bootstrap-server', address]
    const said = await runKafkaTool('org.apache.kafka.tools.ProducerPerformance', [...args, '--command-config', '{client}'], {
      client: clientProperties(mechanism),
    })
    expect(said).toMatch(/^6000 records sent/m)
  })

  test('set and remove a user by kafka-configs, who comes in meanwhile only', { timeout: 240_000 }, async () => {
    const files = { client: clientProperties('SCRAM-SHA-512') }
    const configs = (...args: string[]): Promise<string> =>
      runKafkaTool(
        'kafka.admin.ConfigCommand',
        ['--bootstrap-server', address, '--command-config', '{client}', '--entity-type', 'users', '--entity-name', 'bob', ...args],
        files,
      )
    const topicsAs = (password: string): Promise<string> =>
      runKafkaTool('org.apache.kafka.tools.TopicCommand', ['--bootstrap-server', address, '--command-config', '{client}', '--list'], {
        client: clientProperties('SCRAM-SHA-256', { username: 'bob', password }),
      })
    await expect(topicsAs('of bob')).rejects.toThrow(/[Aa]uthentication/)
    await configs('--alter', '--add-config', 'SCRAM-SHA-256=[iterations=4096,password=of bob]')
    expect(await topicsAs('of bob')).toContain('java')
    await configs('--alter', '--delete-config', 'SCRAM-SHA-256')
    await expect(topicsAs('of bob')).rejects.toThrow(/[Aa]uthentication/)
  })
})

describePython('kafka-python', [], 'over SASL_SSL on our secured broker, confluent-kafka beside it', () => {
  test.each(mechanisms)('write and read by %s', { timeout: 240_000 }, async (mechanism) => {
    const read = await runPython('secured.py', address, caPath, mechanism, admin.username, admin.password)
    expect(read).toEqual(expect.arrayContaining([`by kafka-python ${mechanism}`, `by confluent-kafka ${mechanism}`]))
  })
})
