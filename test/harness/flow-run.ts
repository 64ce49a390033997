import { z } from 'zod'
import {
  fileTail,
  generator,
  kafkaRecords,
  postgresQuery,
  schema,
  secret,
  topic,
  webhook,
  type BoundFlow,
} from '../../src/authoring/index.ts'
import { messageOf } from '../../src/platform/index.ts'
import { runFlow } from './run-flow.ts'

/** Runs one of these sources in a process of its own, so that a test can kill it: a line of stdout for each page that is written. */
const [kind = '', bootstrapServers = '', into = '', run = '', from = ''] = process.argv.slice(2)
const items = topic(into, { value: schema('Item', { id: z.string() }), key: 'id' })
const name = into
const records = 40
/** It dies when so many pages are committed, before the source knows of the last. */
const diesAfter = Number(process.env['DIES_AFTER'] ?? Number.POSITIVE_INFINITY)
let committed = 0
const onProgress = (done: number): void => {
  console.log(`page ${done}`)
  committed++
  if (committed === diesAfter) process.kill(process.pid, 'SIGKILL')
}

const flows: Readonly<Record<string, () => BoundFlow>> = {
  generator: () => generator({ name, every: '1ms', pages: Number(from), records, make: (n) => ({ id: String(n) }) }).to(items),
  files: () => fileTail<{ id: string }>({ name, path: from, format: 'ndjson', records }).to(items),
  kafka: () =>
    kafkaRecords<{ id: string }>({ name, topic: from, records })
      .map(({ value }) => value)
      .to(items),
  postgres: () =>
    postgresQuery<{ id: number }>({ name, url: secret.env('SOURCE_URL'), query: `SELECT id FROM ${from}`, cursor: 'id', batch: records })
      .map(({ id }) => ({ id: String(id) }))
      .to(items),
  webhook: () =>
    webhook<{ id: string }>({ name, port: Number(from), idempotency: { header: 'Idempotency-Key', field: 'id' } })
      .map(({ id }) => ({ id }))
      .to(items),
}

try {
  const flow = flows[kind]?.()
  if (!flow) throw new Error(`there is no flow ${kind}`)
  const { pages } = await runFlow(flow, { bootstrapServers, run, onProgress })
  console.log(`done ${pages}`)
} catch (error) {
  console.log(`failed ${messageOf(error)}`)
}
