import { runSource } from '../../src/connectors/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { randomUserSpec } from '../../src/connectors/index.ts'

/** Runs a RandomUser source in a process of its own, so that a test can kill it: a line of stdout for each page that it says is written. */
const [bootstrapServer = '', url = '', topic = '', run = '', pages = '1'] = process.argv.slice(2)
const kafka = await connectKafka({ bootstrapServers: [bootstrapServer], clientId: run })
try {
  const totals = await runSource({
    flow: {
      source: randomUserSpec({ name: topic, every: '1ms', pages: Number(pages), results: 40 }),
      sourceFunctions: {},
      steps: [{ is: 'map', fn: (user) => ({ id: idOf(user) }) }],
      topic: { name: topic, schema: 'User', key: ['id'], partitions: 3, format: 'json', configs: {} },
      parse: (value) => ({ ok: true, value }),
    },
    project: 'kills',
    endpoints: {
      kafka: { bootstrapServers: [bootstrapServer] },
      registry: null,
      randomUser: { url, is: 'local', why: 'a test', seed: 's' },
    },
    connectKafka: ({ bootstrapServers }) => connectKafka({ bootstrapServers, clientId: run }),
    run: { dagId: 'kills', runId: run, attempt: 1 },
    kafka,
    signal: new AbortController().signal,
    log: () => {},
    progress: (done) => console.log(`page ${done}`),
  })
  console.log(`done ${totals.pages}`)
} catch (error) {
  console.log(`failed ${error instanceof Error ? error.message : String(error)}`)
} finally {
  await kafka.close()
}

function idOf(user: unknown): unknown {
  if (typeof user !== 'object' || user === null || !('login' in user)) return null
  const { login } = user
  return typeof login === 'object' && login !== null && 'uuid' in login ? login.uuid : null
}
