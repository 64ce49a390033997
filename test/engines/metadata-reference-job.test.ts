import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DoctorReport, RunView, StatusView } from '../../src/core/index.ts'
import { engines, type PostgresEngine } from '../../tools/engines/index.ts'
import { childrenOf, eventually, roleOf, run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { countsOf, idsInTable, idsInTopic } from '../harness/users.ts'
import { describeOn } from './available.ts'

/** `MILLRACE_AWAY_SECONDS=60` is the whole of it; a sample in CI. */
const awayMs = Number(process.env.MILLRACE_AWAY_SECONDS ?? 15) * 1_000
const pages = 120

describeOn(['postgres15'], 'the reference job with its metadata on PostgreSQL', () => {
  let postgres: PostgresEngine
  let project: TestProject
  let millrace: Started
  let env: Record<string, string>

  beforeAll(async () => {
    postgres = await engines.postgres15()
    project = createProject(`every: '50ms', pages: ${pages}`)
    env = { MILLRACE_METADATA_URL: postgres.url }
  }, 600_000)
  afterAll(async () => {
    await millrace[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
    project.remove()
  })

  const status = (): StatusView => runJson<StatusView>(project, ['status'])
  const scheduler = (): StatusView['parts'][number] | undefined => status().parts.find((part) => part.name === 'scheduler')
  const runs = (): RunView[] => runJson<RunView[]>(project, ['runs', 'user_automation'])
  const runsEnd = async (count: number): Promise<void> => {
    await eventually(runs, (all) => all.length === count && all.every((each) => each.state === 'success'), 90_000)
    await eventually(status, ({ flows: [flow] }) => flow?.lag === 0 && (flow.inTable ?? 0) > 0, 60_000)
  }

  const attemptsOf = async (runId: string): Promise<{ state: string; started_at: string }[]> => {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      const text = 'select state, started_at from millrace_users.task_attempt where run_id = $1 order by attempt'
      return (await client.query<{ state: string; started_at: string }>(text, [runId])).rows
    } finally {
      await client.end()
    }
  }

  test('a start waits for PostgreSQL, says so, and goes on when it is there', async () => {
    await postgres.stop()
    millrace = startMillrace(project, { env })
    await millrace.until(/waiting for the metadata store: PostgreSQL at 127\.0\.0\.1:\d+ does not answer/, 60_000)
    await postgres.restart()
    await millrace.until(/metadata +postgres:\/\/millrace@127\.0\.0\.1:\d+\/postgres \(schema millrace_users\)/, 60_000)
  })

  test('brings every user of the topic into the table, once', async () => {
    await runsEnd(1)
    const ids = idsInTopic(project)
    expect(ids).toHaveLength(pages)
    expect(idsInTable(project).toSorted()).toEqual(ids.toSorted())
    await eventually(status, ({ flows: [flow] }) => isDeepStrictEqual(countsOf(flow), [pages, pages, pages, 0]))
    expect(scheduler()).toMatchObject({ is: 'remote', state: 'ok' })
  })

  test('goes on where it was when all of Millrace is killed in the middle of a run', async () => {
    expect(run(project, ['trigger', 'user_automation'])).toMatchObject({ code: 0 })
    await eventually(
      () => status().flows[0]?.inTable ?? 0,
      (count) => count > pages + 10,
    )
    const children = childrenOf(millrace.pid)
    await millrace.killTree()
    await eventually(
      () => children.filter((pid) => roleOf(pid) !== null),
      (alive) => alive.length === 0,
    )
    const killedMs = Date.now()
    millrace = startMillrace(project, { env, args: [] })
    await millrace.until(/in table/, 60_000)
    await eventually(runs, (all) => all.length === 2)
    await runsEnd(2)
    const attempts = await attemptsOf(runs()[0]?.runId ?? '')
    // Nobody waits for a lease of one's own folder.
    expect(attempts.map((attempt) => attempt.state)).toEqual(['lost', 'success'])
    console.log(`killed: its task ran again ${(Number(attempts[1]?.started_at) - killedMs) / 1_000} s later`)
    expect(idsInTable(project).toSorted()).toEqual([...new Set(idsInTopic(project))].toSorted())
  }, 240_000)

  test('goes on while PostgreSQL is away, says so, and records what ended meanwhile', async () => {
    const before = status().flows[0]?.inTable ?? 0
    expect(run(project, ['trigger', 'user_automation'])).toMatchObject({ code: 0 })
    await eventually(
      () => status().flows[0]?.inTable ?? 0,
      (count) => count > before + 5,
    )
    await postgres.kill()
    const leftMs = Date.now()
    const away = await eventually(scheduler, (part) => part?.state === 'failed')
    expect(away?.detail).toMatch(/away for \d+ s: PostgreSQL at .* does not answer: .* Running tasks go on, none is started/)
    const report = JSON.parse(run(project, ['--json', 'doctor']).stdout) as DoctorReport
    expect(report).toMatchObject({
      healthy: false,
      steps: expect.arrayContaining([expect.objectContaining({ at: 'metadata', state: 'stopped' })]),
    })
    expect(run(project, ['trigger', 'user_automation'])).toMatchObject({ code: 75 })
    await eventually(scheduler, (part) => /1 results wait to be recorded/.test(part?.detail ?? ''), 60_000)
    // The stream goes on to the end of the topic.
    await eventually(status, ({ flows: [flow] }) => flow?.lag === 0 && (flow.inTable ?? 0) >= before + pages, 60_000)
    await eventually(
      () => Date.now() - leftMs,
      (ms) => ms >= awayMs,
      awayMs + 10_000,
    )
    expect(millrace.process.exitCode).toBeNull()
    await postgres.restart()
    const backMs = Date.now()
    await eventually(scheduler, (part) => part?.state === 'ok')
    const resumedMs = Date.now() - backMs
    await runsEnd(3)
    const users = (status().flows[0]?.inTable ?? 0) - before
    console.log(
      `away for ${Math.round((backMs - leftMs) / 1_000)} s: ${runs().length} runs, all succeeded; ${users} users of the run in the table; progress resumed after ${resumedMs / 1_000} s`,
    )
    expect(idsInTable(project).toSorted()).toEqual([...new Set(idsInTopic(project))].toSorted())
  }, 300_000)

  test('no password is in the log, on the screen, or in status', async () => {
    const secret = postgres.secrets.password ?? 'none'
    const shown = [millrace.output(), JSON.stringify(status()), readFileSync(join(project.dir, '.millrace/logs/millrace.log'), 'utf8')]
    expect(shown.filter((text) => text.includes(secret))).toEqual([])
    expect(await millrace.stop()).toBe(0)
  })
})
