import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { format } from 'prettier'
import { startBroker, type BrokerHandle } from '../src/broker/index.ts'
import { apiVersions } from '../src/kafka-wire/index.ts'
import { kafkaClients } from './data/kafka-clients.ts'
import { apiDifferences, limits } from './data/kafka-page.ts'
import { kafka44Versions } from './data/kafka-versions.ts'
import { kafkaDifferences } from './engines/differences.ts'
import { connectRawKafka } from './engines/raw-kafka.ts'

/**
 * Makes `docs/kafka.md` of what the embedded broker says and of what the suites of `test/engines` check. It differs from the committed one:
 * run this with `MILLRACE_WRITE_DOCS=1` and commit what changed.
 */
const page = join(import.meta.dirname, '../docs/kafka.md')
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-page-'))
let broker: BrokerHandle
let ours: ReadonlyMap<number, readonly [min: number, max: number]>
beforeAll(async () => {
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], flush: 'os' })
  using kafka = await connectRawKafka(broker.address)
  const { apiKeys } = await kafka.ask(apiVersions, 3, { clientSoftwareName: 'page', clientSoftwareVersion: '1' })
  ours = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]))
})
afterAll(async () => {
  await broker.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const head = `# Kafka in the embedded broker

What other people's clients do on the embedded broker, which requests it answers, and where it differs from Kafka 4.4. This page is made
by a test (\`test/kafka-page.test.ts\`); \`MILLRACE_WRITE_DOCS=1 npx vitest run test/kafka-page.test.ts\` makes it anew.
`

const clientsHead = `## Clients

Each check is run by the client's own program on the embedded broker and on Kafka 4.4, and must see the same on both, to the offset and the
error's name (\`test/engines/kafka-clients.test.ts\`; what they see stands in \`test/data/kafka-clients.ts\`). kafka-python's codecs
and Avro by confluent-kafka have a suite of their own (\`python-clients.test.ts\`), our own client one on Kafka 3.9 as well
(\`kafka-transactions.test.ts\`).
100,000 records are copied by transactions while copier and broker are killed twenty times, and a reader watches (\`kafka-copies.test.ts\`).

| Client | What | Embedded broker | Kafka 4.4 |
| ------ | ---- | --------------- | --------- |`

const rangeOf = (range: readonly [number, number] | undefined): string => (range ? `${range[0]}–${range[1]}` : '—')
const cell = (text: string): string => text.replaceAll('|', '\\|')

function clientRows(): string[] {
  return kafkaClients.flatMap(({ name, checks }) => Object.keys(checks).map((check) => `| ${name} | ${cell(check)} | passes | passes |`))
}

function apiRows(unexplained: string[]): string[] {
  return kafka44Versions.map(([key, name, min, max]) => {
    const own = ours.get(key)
    const isSame = own?.[0] === min && own[1] === max
    const reason = apiDifferences.find(({ keys }) => keys.includes(key))?.reason
    if (!isSame && reason === undefined) unexplained.push(`${name} (${key}): ${rangeOf(own)} instead of ${min}–${max}`)
    if (isSame && reason !== undefined) unexplained.push(`${name} (${key}) is listed as different, and is the same`)
    return `| ${key} | ${name} | ${rangeOf(own)} | ${min}–${max} | ${isSame ? '' : (reason ?? '')} |`
  })
}

test('docs/kafka.md says which clients were tried, which requests are answered, and what differs', async () => {
  const unexplained: string[] = []
  const parts = [
    head,
    [clientsHead, ...clientRows()].join('\n'),
    [
      '## Requests\n',
      '| Key | Request | Embedded broker | Kafka 4.4 | Why |',
      '| --- | --- | --- | --- | --- |',
      ...apiRows(unexplained),
    ].join('\n'),
    '## Answers that differ\n\nEvery other answer to the requests of `test/engines/kafka-differential.test.ts` is the same, byte for byte, but for ids and texts.\n',
    kafkaDifferences.map(({ of, on, reason }) => `- ${of}${on === undefined ? '' : ` (${on})`}: ${reason}`).join('\n'),
    ['## Limits\n', ...limits.map((limit) => `- ${limit}`)].join('\n'),
  ]
  expect(unexplained).toEqual([])
  const made = await format(parts.join('\n\n'), { parser: 'markdown', printWidth: 140 })
  if (process.env['MILLRACE_WRITE_DOCS'] === '1') writeFileSync(page, made)
  expect(readFileSync(page, 'utf8')).toBe(made)
})
