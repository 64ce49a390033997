import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import type { PlanView, StatusView } from '../../src/core/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { apiOf } from '../harness/ask.ts'
import { eventually, run, runJson, runJsonLines, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { idsInTable } from '../harness/users.ts'

let project: TestProject
let millrace: Started | null = null

beforeEach(() => {
  project = createProject("every: '20ms', pages: 3")
})
afterEach(async () => {
  await millrace?.[Symbol.asyncDispose]()
  project.remove()
})

interface Consumed {
  key: string
  value: string
  schemaId?: number
}

async function start(): Promise<void> {
  await millrace?.[Symbol.asyncDispose]()
  millrace = startMillrace(project)
  await millrace.until(/^streams/m)
}

async function rows(count: number): Promise<void> {
  await eventually(
    async () => (await apiOf(project).status()).flows[0],
    (flow) => flow?.inTable === count && flow.lag === 0,
  )
}

function plan(): { code: number | null; view: PlanView } {
  const { code, stdout } = run(project, ['--json', 'plan'])
  return { code, view: JSON.parse(stdout) }
}

function addField(field: string, value: string): void {
  project.edit((code) => code.replace('  picture: z.url(),', `  picture: z.url(),\n  ${field}`).replace('    picture: picture.medium,', `    picture: picture.medium,\n    ${value}`)) // prettier-ignore
}

test(
  'values are Avro; an optional field makes version 2 and a column, and a required one is refused with what to write',
  { timeout: 240_000 },
  async () => {
    expect(plan()).toMatchObject({ code: 2, view: { verdict: 'changes', unknown: [/not running/], topics: expect.arrayContaining([expect.objectContaining({ topic: 'users_created', change: 'create' })]) } }) // prettier-ignore
    await start()
    await rows(3)
    const [first] = runJsonLines<Consumed>(project, ['consume', 'users_created'])
    expect(first?.schemaId).toBeGreaterThan(0)
    expect(JSON.parse(first?.value ?? '')).toMatchObject({ id: first?.key })
    expect(plan()).toMatchObject({ code: 0, view: { verdict: 'none' } })

    addField('country: z.string().optional(),', 'country: location.country,')
    const changed = plan()
    expect(changed).toMatchObject({
      code: 2,
      view: {
        schemas: [
          { subject: 'users_created-value', change: 'change', version: 2, compatibility: 'BACKWARD ok', added: ['country'], problems: [] },
        ],
        tables: [{ change: 'change', statements: ['ALTER TABLE spark_streams.created_users ADD country text'] }],
        streams: [{ stream: 'load_users', change: 'change', because: 'its file has changed' }],
      },
    })
    expect(run(project, ['apply']).stdout).toMatch(
      /made schema users_created-value version 2 .*\nmade column spark_streams\.created_users\.country/s,
    )
    await start()
    run(project, ['trigger', 'user_automation'])
    await rows(6)
    const { rows: all } = runJson<{ rows: { country: string | null }[] }>(project, [
      'query',
      'SELECT country FROM spark_streams.created_users',
    ])
    expect(all.filter(({ country }) => country === null)).toHaveLength(3)
    expect(all.filter(({ country }) => country !== null)).toHaveLength(3)

    addField('city: z.string(),', 'city: location.city,')
    const refused = plan()
    expect(refused).toMatchObject({ code: 1, view: { verdict: 'refused', streams: [{ change: 'refused' }] } })
    const sentence = /field "city" is new and required, .* write \.optional\(\), \.nullable\(\) or \.default\(…\) behind its type/
    expect(refused.view.schemas[0]?.problems).toEqual([expect.stringMatching(sentence)])
    expect(run(project, ['apply']).code).toBe(1)
    await start()
    expect(runJson<StatusView>(project, ['status']).parts.find(({ name }) => name === 'streams')?.detail).toMatch(sentence)
    const columns = run(project, ['tables']).stdout
    expect(columns).toMatch(/created_users/)
    expect(run(project, ['query', 'SELECT city FROM spark_streams.created_users']).code).not.toBe(0)
  },
)

test(
  'a data folder of the first version, whose topics are JSON and of which nothing is kept, opens and its stream goes on',
  { timeout: 180_000 },
  async () => {
    await writeAsTheFirstVersion()
    await start()
    // Two of the first version, three of the run that this one triggers.
    await rows(5)
    const records = runJsonLines<Consumed>(project, ['consume', 'users_created'])
    expect(records.filter(({ schemaId, value }) => schemaId === undefined && JSON.parse(value) !== null)).toHaveLength(5)
    expect(idsInTable(project)).toContain('00000000-0000-4000-8000-000000000001')

    project.edit((code) => code.replace("key: 'id', partitions: 6", "key: 'id', partitions: 6, format: 'avro'"))
    const { code, view } = plan()
    expect(code).toBe(1)
    expect(view.topics.find(({ topic }) => topic === 'users_created')?.problems).toEqual([
      expect.stringMatching(
        /written as json, and its definition asks for avro.*Write format: 'json'; or name a new topic for avro, topic\('users_created_v2'/,
      ),
    ])
  },
)

/** The broker and its log are the first version's; that wrote JSON, and kept nothing of how. */
async function writeAsTheFirstVersion(): Promise<void> {
  await using broker = await startBroker({ dataDir: join(project.dataDir, 'kafka'), listeners: [{ host: '127.0.0.1', port: 0 }] })
  await using kafka = await connectKafka({ bootstrapServers: [`127.0.0.1:${broker.listeners[0]?.port}`], clientId: 'first-version' })
  await kafka.admin.createTopics([{ name: 'users_created', partitions: 6 }])
  const producer = kafka.producer({ acks: 'all' })
  const user = (n: number): Record<string, string> => ({
    id: `00000000-0000-4000-8000-00000000000${n}`, first_name: 'A', last_name: 'B', gender: 'female', address: '1 Street', post_code: '1',
    email: 'a@example.com', username: 'a', dob: '1990-01-02T03:04:05.678Z', registered_date: '2010-01-02T03:04:05.678Z', phone: '1', picture: 'https://example.com/a.jpg',
  }) // prettier-ignore
  const timestampMs = Date.now()
  await producer.send([1, 2].map((n) => ({ topic: 'users_created', key: user(n).id ?? '', value: JSON.stringify(user(n)), timestampMs })))
  await producer.close()
}
