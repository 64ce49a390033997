import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectCassandra } from '../../src/cql-client/index.ts'
import type { DoctorReport, RunView, StatusView } from '../../src/core/index.ts'
import { engines, type CassandraEngine, type KafkaEngine } from '../../tools/engines/index.ts'
import { childrenOf, eventually, roleOf, run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { asTested, createProject, root, type TestProject } from '../harness/project.ts'
import { countsOf, idsInTable, idsInTopic } from '../harness/users.ts'
import { describeOn } from './available.ts'

/** Long enough to be killed in the middle, short enough for a test. Only the pace differs from the example's file. */
const PACE = "every: '20ms', pages: 120"

interface Setup {
  readonly name: string
  readonly systems: readonly string[]
  readonly kafka: (() => Promise<KafkaEngine>) | null
}

const setups: readonly Setup[] = [
  { name: 'Kafka 4 and Cassandra 5', systems: ['kafka4', 'cassandra5'], kafka: engines.kafka4 },
  { name: 'Kafka 3.9 on ZooKeeper and Cassandra 5', systems: ['kafka3', 'cassandra5'], kafka: engines.kafka3 },
  { name: 'embedded Kafka and Cassandra 5', systems: ['cassandra5'], kafka: null },
]

describeOn(['cassandra5'], 'the reference job on real systems', () => {
  let cassandra: CassandraEngine

  beforeAll(async () => {
    cassandra = await engines.cassandra5()
  }, 600_000)
  afterAll(async () => {
    await cassandra[Symbol.asyncDispose]()
  })

  for (const setup of setups) describeOn(setup.systems, setup.name, () => judgeJob(setup))

  function judgeJob({ kafka: startKafka }: Setup): void {
    let kafka: KafkaEngine | null = null
    let env: Record<string, string> = {}
    let project: TestProject
    let millrace: Started

    beforeAll(async () => {
      kafka = (await startKafka?.()) ?? null
      await forgetUsers(cassandra.contactPoint)
      env = {
        MILLRACE_CASSANDRA_CONTACT_POINTS: cassandra.contactPoint,
        ...(kafka ? { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers } : {}),
      }
      project = createProject(PACE)
      millrace = startMillrace(project, { env })
      await millrace.until(/in table/, 60_000)
    }, 600_000)
    afterAll(async () => {
      await millrace[Symbol.asyncDispose]()
      await kafka?.[Symbol.asyncDispose]()
      project.remove()
    })

    const status = (): StatusView => runJson<StatusView>(project, ['status'])
    const inTable = (): number => status().flows[0]?.inTable ?? 0
    const runEnds = async (): Promise<void> => {
      await eventually(
        () => runJson<RunView[]>(project, ['runs', 'user_automation']),
        (runs) => runs.length > 0 && runs.every((each) => each.state === 'success'),
        60_000,
      )
      await eventually(status, ({ flows: [flow] }) => flow?.lag === 0 && (flow.inTable ?? 0) > 0, 60_000)
    }

    test('is the file of the example, but for its pace', () => {
      const example = readFileSync(join(root, 'examples/users/users.pipeline.ts'), 'utf8')
      expect(readFileSync(project.pipelinePath, 'utf8')).toBe(asTested(example, PACE))
    })

    test('says which systems it uses', () => {
      const address = kafka ? `${kafka.bootstrapServers}(?! \\(embedded\\))` : '127\\.0\\.0\\.1:\\d+ \\(embedded\\)'
      expect(millrace.output()).toMatch(new RegExp(`kafka +${address}`))
      expect(millrace.output()).toMatch(new RegExp(`cassandra +${cassandra.contactPoint}(?! \\(embedded\\))`))
    })

    test('brings every user of the topic into the table, once', async () => {
      await runEnds()
      const ids = idsInTopic(project)
      expect(ids).toHaveLength(120)
      expect(new Set(ids).size).toBe(120)
      expect(idsInTable(project).toSorted()).toEqual(ids.toSorted())
      await eventually(status, ({ flows: [flow] }) => isDeepStrictEqual(countsOf(flow), [120, 120, 120, 0]))
    })

    test('fills twelve columns of the types that the example names', async () => {
      await using session = await connectCassandra({ contactPoints: [cassandra.contactPoint], localDataCenter: 'datacenter1' })
      const { columns, rows } = await session.query('SELECT * FROM spark_streams.created_users')
      expect(Object.fromEntries(columns.map(({ name, type }) => [name, type]))).toEqual({
        ...Object.fromEntries(
          ['first_name', 'last_name', 'gender', 'address', 'post_code', 'email', 'username', 'phone', 'picture'].map((name) => [
            name,
            'text',
          ]),
        ),
        id: 'uuid',
        dob: 'timestamp',
        registered_date: 'timestamp',
      })
      expect(rows.flatMap((row) => Object.values(row)).filter((value) => value === null || value === '')).toEqual([])
    })

    test('is healthy to the doctor', async () => {
      await eventually(
        () => runJson<DoctorReport>(project, ['doctor']),
        ({ healthy, summary }) => healthy && summary === '120 fetched · 120 in topic · 120 in table',
      )
    })

    test('says at the second start what is there', async () => {
      expect(await millrace.stop()).toBe(0)
      millrace = startMillrace(project, { env })
      // Nothing of our own is recovered where both systems are someone else's; the counts tell.
      await millrace.until(kafka ? /120 in topic · 120 in table · 0 dead letters · lag 0/ : /recovered +120 in users_created/, 60_000)
      expect(runJson<RunView[]>(project, ['runs'])).toHaveLength(1)
    })

    test('loses nothing when all of Millrace is killed in the middle of a run', async () => {
      expect(run(project, ['trigger', 'user_automation'])).toMatchObject({ code: 0 })
      await eventually(inTable, (count) => count > 130)
      const children = childrenOf(millrace.pid)
      const written = new Set(idsInTable(project))
      await millrace.killTree()
      await eventually(
        () => children.filter((pid) => roleOf(pid) !== null),
        (alive) => alive.length === 0,
      )
      millrace = startMillrace(project, { env, args: [] })
      await millrace.until(/in table/, 60_000)
      await runEnds()
      const rows = idsInTable(project)
      expect(rows.length).toBeGreaterThanOrEqual(240)
      // A retried page may be in the topic twice, under the same key; the table has each key once.
      expect(rows.toSorted()).toEqual([...new Set(idsInTopic(project))].toSorted())
      expect([...written].filter((id) => !rows.includes(id))).toEqual([])
      expect(await millrace.stop()).toBe(0)
    })
  }
})

async function forgetUsers(contactPoint: string): Promise<void> {
  await using session = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: 'datacenter1' })
  await session.changeSchema('DROP KEYSPACE IF EXISTS spark_streams')
}
