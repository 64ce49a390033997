import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunDetail, RunView } from '../../src/core/index.ts'
import { apiOf } from '../harness/ask.ts'
import { childrenOf, eventually, roleOf, run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

const tasks = `
import { dag } from 'millrace'

export const edges = dag('edges', { schedule: null, params: { start: 20 } })
const first = edges.task('first', (ctx) => Number(ctx.params.start) + 1)
const second = edges.task('second', (ctx, n: number) => { ctx.log('got ' + n); return n * 2 })
second(first())

export const loops = dag('loops', { schedule: null })
const loop = loops.task('loop', () => { for (;;) {} }, { executionTimeout: '1s' })
loop()

export const busy = dag('busy', { schedule: null })
const work = busy.task('work', (ctx) => { ctx.log('busy now'); const end = Date.now() + 60_000; return new Promise(() => setTimeout(() => { while (Date.now() < end); }, 200)) })
work()

export const exits = dag('exits', { schedule: null })
const exit = exits.task('exit', () => process.exit(3))
exit()

export const throws = dag('throws', { schedule: null })
let attempts = 0
const fail = throws.task('fail', (ctx) => { if (ctx.attempt < 3) throw new Error('no luck in attempt ' + ctx.attempt); return attempts }, { retries: 2, retryDelay: '100ms' })
fail()
`

let project: TestProject
let millrace: Started

beforeAll(async () => {
  project = createProject("every: '20ms', pages: 5")
  writeFileSync(join(project.dir, 'tasks.pipeline.ts'), tasks)
  millrace = startMillrace(project)
  await millrace.until(/in table/)
})
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

/** Runs a DAG to its end and tells how its task ended. */
function outcome(dag: string): RunDetail & { log: string } {
  const ended = runJson<RunView>(project, ['trigger', dag, '--wait'])
  const log = run(project, ['logs', dag, '--run', ended.runId]).stdout
  return { ...ended, tasks: [], log }
}

test('a result is passed along an edge', () => {
  expect(outcome('edges')).toMatchObject({ state: 'success', log: expect.stringContaining('got 21') })
})

test('a task that loops is ended when its time is over, and the rest goes on', { timeout: 240_000 }, () => {
  const { state, log } = outcome('loops')
  expect(state).toBe('failed')
  expect(log).toMatch(/executionTimeout|time/i)
  expect(outcome('edges').state).toBe('success')
})

test('a task that ends its process fails by that name', () => {
  expect(outcome('exits')).toMatchObject({ state: 'failed', log: expect.stringMatching(/exit code 3/) })
})

test('a task that throws is tried again, each attempt with its log', () => {
  const { state, log } = outcome('throws')
  expect(state).toBe('success')
  expect(log).toMatch(/attempt 1[\s\S]*no luck in attempt 1[\s\S]*attempt 2[\s\S]*no luck in attempt 2[\s\S]*attempt 3/)
  expect(log).toMatch(/tasks\.pipeline\.ts:\d+/)
})

test('a child that user code keeps busy ends with its supervisor all the same', { timeout: 240_000 }, async () => {
  run(project, ['trigger', 'busy'])
  await eventually(
    () => run(project, ['logs', 'busy']).stdout,
    (log) => log.includes('busy now'),
  )
  const children = childrenOf(millrace.pid).filter((pid) => roleOf(pid) !== null)
  expect(children.length).toBeGreaterThanOrEqual(2)
  process.kill(millrace.pid, 'SIGKILL')
  await eventually(
    () => children.filter((pid) => roleOf(pid) !== null),
    (alive) => alive.length === 0,
  )
  millrace = startMillrace(project)
  await millrace.until(/in table/)
  expect(runJson<RunView>(project, ['runs', 'busy', '--limit', '1'])).toMatchObject([{ state: 'running' }])
})

test(
  'a step that ends its process stops that stream alone: the doctor says so, the parts and tasks go on',
  { timeout: 240_000 },
  async () => {
    await millrace.stop()
    project.edit((code) =>
      code.replace('.to(createdUsers,', '.map((user) => { if (process.uptime() > 0) process.exit(9); return user }).to(createdUsers,'),
    )
    millrace = startMillrace(project, { args: [] })
    await millrace.until(/in table/)
    runJson<RunView>(project, ['trigger', 'user_automation', '--wait'])
    const report = await eventually(
      () => apiOf(project).doctor(),
      (found) => /load_users stopped/.test(found.summary),
    )
    expect(report.summary).toMatch(/load_users stopped, because .*exit code 9.*started again/)
    expect(outcome('edges').state).toBe('success')
  },
)
