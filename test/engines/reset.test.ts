import { afterAll, beforeAll, expect, test } from 'vitest'
import { names, type ResetView } from '../../src/core/index.ts'
import { connectCassandra } from '../../src/cql-client/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { Releasers } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { eventually, run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { judgeSourceReset, judgeStreamReset, resetJudge, runsEnded } from '../harness/reset.ts'
import { idsInTable, idsInTopic } from '../harness/users.ts'
import { describeOn } from './available.ts'

const group = names.group('users', 'load_users')

describeOn(['kafka4', 'cassandra5'], 'reset and replay on Kafka 4 and Cassandra 5', () => {
  const parts = new Releasers()
  let project: TestProject
  let env: Record<string, string> = {}
  let millrace: Started
  const start = async (args?: readonly string[]): Promise<void> => {
    millrace = startMillrace(project, { env, ...(args ? { args } : {}) })
    await millrace.until(/in table/, 120_000)
  }

  beforeAll(async () => {
    const cassandra = await engines.cassandra5()
    parts.add('Cassandra', async () => cassandra[Symbol.asyncDispose]())
    const kafka = await engines.kafka4()
    parts.add('Kafka', async () => kafka[Symbol.asyncDispose]())
    {
      await using session = await connectCassandra({ contactPoints: [cassandra.contactPoint], localDataCenter: 'datacenter1' })
      await session.changeSchema('DROP KEYSPACE IF EXISTS spark_streams')
    }
    env = { MILLRACE_CASSANDRA_CONTACT_POINTS: cassandra.contactPoint, MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers }
    project = createProject("every: '20ms', pages: 12")
    parts.add('project', () => project.remove())
    await start()
    parts.add('Millrace', () => millrace[Symbol.asyncDispose]())
    await runsEnded(project, 1)
  }, 600_000)
  afterAll(() => parts.close())

  test('a table is filled again from its topic, and what is newer in the topic stays newer', { timeout: 600_000 }, () =>
    judgeStreamReset(project),
  )

  test('a source that is reset begins at its first page', { timeout: 600_000 }, () => judgeSourceReset(project, 2))

  test('without a running Millrace the offsets are set in Kafka, at once after its stop too', { timeout: 600_000 }, async () => {
    await resetJudge(project).caughtUp()
    const records = idsInTopic(project).length
    expect(await millrace.stop()).toBe(0)
    const reset = (args: readonly string[]): ResetView => runJson(project, ['reset', 'load_users', ...args], { env })
    expect(reset(['--to', 'earliest', '--yes'])).toMatchObject({ again: records, skipped: 0 })
    expect(reset(['--to', 'latest', '--yes'])).toMatchObject({ again: 0, skipped: records })
    expect(reset(['--to', 'earliest', '--yes'])).toMatchObject({ again: records })
    expect(run(project, ['query', 'TRUNCATE spark_streams.created_users'], { env }).code).toBe(0)
    await start([])
    await resetJudge(project).caughtUp()
    expect(idsInTable(project)).toHaveLength(12)
  })

  test('while another process has the group it is refused by that name, and nothing moves', { timeout: 600_000 }, async () => {
    expect(await millrace.stop()).toBe(0)
    await using kafka = await connectKafka({ bootstrapServers: [env.MILLRACE_KAFKA_BOOTSTRAP_SERVERS ?? ''], clientId: 'elsewhere' })
    const before = await kafka.admin.committedOffsets(group)
    await using consumer = kafka.consumer({
      groupId: group,
      topics: ['users_created'],
      startingOffsets: 'earliest',
      assignor: 'cooperative-sticky',
      groupInstanceId: 'worker-elsewhere',
    })
    await eventually(
      async () => {
        await consumer.poll()
        return kafka.admin.describeGroups([group])
      },
      ([found]) => found?.state === 'Stable' && found.members.length === 1,
      120_000,
    )
    const refused = run(project, ['reset', 'load_users', '--to', 'earliest', '--yes'], { env })
    expect(refused).toMatchObject({
      code: 75,
      stderr: expect.stringMatching(/is read by another process: worker-elsewhere at .*Stop it first/),
    })
    expect(await kafka.admin.committedOffsets(group)).toEqual(before)
  })
})
