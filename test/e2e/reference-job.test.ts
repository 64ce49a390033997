import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DoctorReport, DagView, RunView, StatusView } from '../../src/core/index.ts'
import { apiOf } from '../harness/ask.ts'
import { eventually, run, runJson, runJsonLines, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { countsOf, idsInTable, idsInTopic } from '../harness/users.ts'

let project: TestProject
let millrace: Started

beforeAll(async () => {
  project = createProject()
  millrace = startMillrace(project)
  await millrace.until(/in table/)
})
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

const status = (): Promise<StatusView> => apiOf(project).status()

describe('the reference job', () => {
  test('says in at most ten lines what runs where and which source is used, then counts', async () => {
    await millrace.until(/load_users: \d+ fetched/)
    const lines = millrace.output().split('\n')
    const head = lines.slice(
      0,
      lines.findIndex((line) => line.startsWith('load_users:')),
    )
    expect(head.length).toBeLessThanOrEqual(10)
    expect(head.join('\n')).toMatch(/kafka +127\.0\.0\.1:\d+ \(embedded\)/)
    expect(head.join('\n')).toMatch(/source +RandomUser local stand-in at http:\/\/127\.0\.0\.1:\d+/)
  })

  test('brings every user of the run into the table', async () => {
    const ended = await eventually(
      () => apiOf(project).runs({ dag: 'user_automation' }),
      (runs) => runs[0]?.state === 'success',
    )
    expect(ended).toHaveLength(1)
    await eventually(status, ({ flows: [flow] }) => isDeepStrictEqual([...countsOf(flow), flow?.lag], [40, 40, 40, 0, 0]))
    expect(idsInTable(project).toSorted()).toEqual(idsInTopic(project).toSorted())
  })

  test('fills all twelve columns, with types a Cassandra client reads', () => {
    const { rows } = runJson<{ rows: Record<string, unknown>[] }>(project, ['query', 'SELECT * FROM spark_streams.created_users LIMIT 3'])
    expect(rows).toHaveLength(3)
    for (const row of rows) {
      expect(Object.keys(row)).toHaveLength(12)
      expect(row.id).toMatch(/^[\da-f-]{36}$/)
      expect(row.dob).toMatch(/^\d{4}-\d\d-\d\dT/)
      expect(row.email).toMatch(/@/)
      expect(row.address).toMatch(/^\d+ .+, .+, .+, .+$/)
    }
  })

  test('writes Avro records with the id as key, which consume shows as JSON', () => {
    const [record] = runJsonLines<{ key: string; value: string; schemaId: number }>(project, ['consume', 'users_created', '--limit', '1'])
    const value: unknown = JSON.parse(record?.value ?? '')
    expect(value).toMatchObject({ id: record?.key })
    expect(record?.schemaId).toBe(1)
  })

  test('is healthy to the doctor', async () => {
    await eventually(
      () => runJson<DoctorReport>(project, ['doctor']),
      ({ healthy, summary }) => healthy && /^(\d+) fetched · \1 in topic · \1 in table$/.test(summary),
    )
  })

  test('lists its DAG, its run and the log of its attempt', () => {
    expect(runJson<DagView[]>(project, ['dags'])).toMatchObject([
      { id: 'user_automation', schedule: '@daily', runCount: 1, tasks: ['stream_data_from_api'] },
    ])
    expect(run(project, ['logs', 'user_automation']).stdout).toMatch(/random_user/)
  })

  test('lists topics and tables', () => {
    expect(runJson<{ topic: string; partitions: number }[]>(project, ['topics'])).toContainEqual(
      expect.objectContaining({ topic: 'users_created', partitions: 6 }),
    )
    expect(run(project, ['tables']).stdout).toMatch(/spark_streams\.created_users +\(id\)/)
  })

  test('keeps its socket and its data to this user', () => {
    const api: { socket: string } = JSON.parse(readFileSync(join(project.dataDir, 'api.json'), 'utf8'))
    expect(statSync(api.socket).mode & 0o777).toBe(0o600)
    expect(statSync(join(project.dataDir, 'api.json')).mode & 0o077).toBe(0)
  })

  test('refuses a second start on the same data folder, saying what to do', async () => {
    await using second = startMillrace(project)
    expect((await second.exited).code).toBe(73)
    expect(second.output()).toMatch(/in use by another Millrace.*millrace stop/)
  })

  test('stops with exit code 0 and leaves nothing behind', async () => {
    expect(run(project, ['stop']).stdout).toMatch(/^stopped/)
    expect((await millrace.exited).code).toBe(0)
    expect(existsSync(join(project.dataDir, 'api.json'))).toBe(false)
    expect(run(project, ['status'])).toMatchObject({ code: 69, stderr: expect.stringContaining('millrace start') })
  })

  test('says at the next start what is there, and does not run the DAG again', async () => {
    millrace = startMillrace(project)
    await millrace.until(/recovered +(\d+) in users_created, \1 in spark_streams\.created_users/)
    expect(runJson<RunView[]>(project, ['runs'])).toHaveLength(1)
    expect(await millrace.stop()).toBe(0)
  })
})
