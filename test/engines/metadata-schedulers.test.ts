import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engines, type PostgresEngine } from '../../tools/engines/index.ts'
import { eventually } from '../harness/millrace.ts'
import { describeOn } from './available.ts'
import { startScheduler } from '../../src/scheduler/index.ts'
import { instanceCount, maxActiveRuns, parallelProject, runCount } from './metadata/parallel-project.ts'

interface Witnessed {
  name: string
  attempt: number
  what: 'start' | 'end'
  atMs: number
}

describeOn(['postgres15'], 'three schedulers on one PostgreSQL', () => {
  let postgres: PostgresEngine
  let dir: string
  const children: ChildProcess[] = []
  const witnessOf = (i: number): string => join(dir, `witness-${i}`)

  beforeAll(async () => {
    postgres = await engines.postgres15()
    dir = mkdtempSync(join(tmpdir(), 'millrace-schedulers-'))
  }, 600_000)
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await postgres[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  const start = async (i: number): Promise<ChildProcess> => {
    const options = new URLSearchParams({
      url: postgres.url,
      witness: witnessOf(i),
      logsDir: join(dir, `logs-${i}`),
      instance: `scheduler-${i}`,
    })
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./metadata/scheduler-process.ts', import.meta.url)), options.toString()],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    children.push(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve())
      child.once('exit', (code) => reject(new Error(`the scheduler ended with ${code}`)))
    })
    return child
  }
  const query = async <R extends pg.QueryResultRow>(text: string): Promise<R[]> => {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      await client.query('set search_path to millrace_users')
      return (await client.query<R>(text)).rows
    } finally {
      await client.end()
    }
  }
  const successes = async (): Promise<number> =>
    Number((await query<{ n: string }>(`select count(*) as n from task_instance where state = 'success'`))[0]?.n)
  const witnessed = (i: number): Witnessed[] =>
    readFileSync(witnessOf(i), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): Witnessed => JSON.parse(line))

  test('one is killed in the middle: every task succeeds, none runs twice at a time, each result is recorded once', async () => {
    const running = await Promise.all([0, 1, 2].map(start))
    const client = await startScheduler({
      metadataUrl: postgres.url,
      metadataPath: '',
      project: 'users',
      logsDir: dir,
      startAttempt: neverStarted,
    })
    for (let i = 0; i < runCount; i++) await client.trigger(parallelProject.dags[0]?.id ?? '', { runId: `run-${i}` })
    await eventually(successes, (count) => count >= instanceCount / 3, 60_000)
    running[1]?.kill('SIGKILL')
    const killedMs = Date.now()
    await eventually(successes, (count) => count === instanceCount, 150_000)
    await eventually(
      () => client.runs(),
      (runs) => runs.length === runCount && runs.every((run) => run.state === 'success'),
      60_000,
    )
    await client.close()

    const attempts = await query<{ run_id: string; task_id: string; attempt: number; state: string; instance: string }>(
      'select run_id, task_id, attempt, state, instance from task_attempt join scheduler using (epoch) order by attempt',
    )
    const byTask = Map.groupBy(attempts, (row) => `${row.run_id}/${row.task_id}`)
    expect(byTask.size).toBe(instanceCount)
    for (const rows of byTask.values()) {
      expect(rows.map((row) => row.attempt)).toEqual(rows.map((_, i) => i + 1))
      expect(rows.map((row) => row.state)).toEqual([...rows.slice(1).map(() => 'lost'), 'success'])
    }
    const shares = [0, 1, 2].map((i) => witnessed(i).filter((line) => line.what === 'start').length)
    const lost = attempts.filter((row) => row.state === 'lost')
    console.log(
      `${instanceCount} task instances, attempts started by each scheduler: ${shares.join(', ')}; lost with the killed one: ${lost.length}`,
    )
    expect(new Set(lost.map((row) => row.instance))).toEqual(new Set(['scheduler-1']))
    // Four at work, and as many that had ended and were not recorded yet.
    expect(lost.length).toBeLessThanOrEqual(8)
    expect(Math.min(...shares)).toBeGreaterThan(0)
    expect(overlaps([0, 1, 2].flatMap((i) => intervalsOf(witnessed(i), killedMs)))).toEqual([])
  }, 240_000)

  test('no more runs at a time than maxActiveRuns, whoever starts them', async () => {
    const runs = await query<{ started_at: string; ended_at: string }>('select started_at, ended_at from dag_run')
    const events = runs.flatMap((run) => [
      { atMs: Number(run.started_at), by: 1 },
      { atMs: Number(run.ended_at), by: -1 },
    ])
    let active = 0
    let most = 0
    for (const { by } of events.toSorted((a, b) => a.atMs - b.atMs || a.by - b.by)) most = Math.max(most, (active += by))
    expect(most).toBe(maxActiveRuns)
  })
})

/** The fourth scheduler only triggers: it registers nothing, so it claims nothing. */
function neverStarted(): never {
  throw new Error('it claims nothing')
}

interface Interval {
  name: string
  startMs: number
  endMs: number
}

/** What had not ended when its process was killed ended then. */
function intervalsOf(lines: readonly Witnessed[], killedMs: number): Interval[] {
  const ends = new Map(lines.filter((line) => line.what === 'end').map((line) => [`${line.name} ${line.attempt}`, line.atMs]))
  return lines
    .filter((line) => line.what === 'start')
    .map((line) => ({ name: line.name, startMs: line.atMs, endMs: ends.get(`${line.name} ${line.attempt}`) ?? killedMs }))
}

function overlaps(intervals: readonly Interval[]): Interval[] {
  return [...Map.groupBy(intervals, (each) => each.name).values()].flatMap((same) => {
    const sorted = same.toSorted((a, b) => a.startMs - b.startMs)
    return sorted.filter((each, i) => each.startMs < (sorted[i - 1]?.endMs ?? 0))
  })
}
