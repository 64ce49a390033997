import { createHmac } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunView } from '../../src/core/index.ts'
import { listenTcp } from '../../src/platform/index.ts'
import { eventually, run, runJson, runJsonLines, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

/** Sources as a user runs them: in the task's process, with paths and secrets of the project. */
const pipeline = (port: number): string => `
import { dag, fileTail, kafkaRecords, schema, secret, topic, webhook } from 'millrace'
import { z } from 'zod'

const Order = schema('Order', { id: z.string(), total: z.string() })
const orders = topic('orders', { value: Order, key: 'id' })
const copies = topic('copies', { value: Order, key: 'id' })

export const files = dag('files', { schedule: null })
files.task('read', () => fileTail<{ id: string; total: string }>({ name: 'files', path: 'orders*.csv', format: 'csv' }).to(orders))()

export const copy = dag('copy', { schedule: null })
copy.task('copy', () =>
  kafkaRecords<{ id: string; total: string }>({ name: 'copy', topic: 'orders', values: 'avro' }).map(({ value }) => value).to(copies))()

export const hooks = dag('hooks', { schedule: null })
hooks.task('take', () =>
  webhook<{ id: string; total: string }>({
    name: 'hooks', port: ${port}, for: '1m', hmac: { secret: secret.file('signing-secret'), header: 'X-Signature' },
  }).to(orders))()
`

let project: TestProject
let millrace: Started
let url = ''

beforeAll(async () => {
  const free = await listenTcp({ host: '127.0.0.1', port: 0, onConnection: () => {} })
  await free.close()
  url = `http://127.0.0.1:${free.port}/`
  project = createProject("every: '20ms', pages: 1")
  writeFileSync(join(project.dir, 'sources.pipeline.ts'), pipeline(free.port))
  writeFileSync(join(project.dir, 'orders.csv'), 'id,total\na,1.50\nb,"2"\n')
  writeFileSync(join(project.dir, 'signing-secret'), 'it is a secret\n')
  millrace = startMillrace(project)
  await millrace.until(/in table/)
})
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

function outcome(dag: string): { state: string; log: string } {
  const { state, runId } = runJson<RunView>(project, ['trigger', dag, '--wait'])
  return { state, log: run(project, ['logs', dag, '--run', runId]).stdout }
}

const totals = (topic: string) =>
  runJsonLines<{ key: string; value: string }>(project, ['consume', topic]).map(({ key, value }): [string, unknown] => [
    key,
    JSON.parse(value).total,
  ])

test('files are found beside the config, and read on', () => {
  expect(outcome('files')).toMatchObject({ state: 'success', log: expect.stringContaining('2 produced in orders') })
  appendFileSync(join(project.dir, 'orders.csv'), 'c,3\n')
  expect(outcome('files').log).toContain('1 produced in orders')
  expect(new Map(totals('orders'))).toEqual(new Map([['a', '1.50'], ['b', '2'], ['c', '3']])) // prettier-ignore
})

test("the project's own Kafka and registry are read without naming them", () => {
  expect(outcome('copy')).toMatchObject({ state: 'success', log: expect.stringContaining('3 produced in copies') })
  expect(new Map(totals('copies'))).toEqual(new Map(totals('orders')))
})

test('a webhook listens while its task runs, its secret is a file beside the config', async () => {
  runJson(project, ['trigger', 'hooks'])
  const body = JSON.stringify({ id: 'd', total: '4' })
  const signature = createHmac('sha256', 'it is a secret').update(body).digest('hex')
  const send = (signed: string) =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-signature': signed }, body }).then(
      ({ status }) => status,
      () => 0,
    )
  expect(
    await eventually(
      () => send('0'),
      (status) => status !== 0,
    ),
  ).toBe(401)
  expect(await send(signature)).toBe(200)
  expect(totals('orders')).toContainEqual(['d', '4'])
})
