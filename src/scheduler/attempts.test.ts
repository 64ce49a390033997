import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { TaskInstanceView } from '../core/index.ts'
import type { AttemptEnd, SchedulerHandle } from './index.ts'
import { createRig, dagDef, failure, ok, projectOf, settle, taskDef, taskStates, type Rig } from './scheduler-rig.ts'
import type { TaskDef } from '../core/index.ts'

const runId = 'manual__1'

async function startRun(rig: Rig, tasks: TaskDef[], dag = {}): Promise<SchedulerHandle> {
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef(tasks, dag)))
  await scheduler.trigger('jobs', { runId })
  await settle()
  return scheduler
}

async function taskOf(scheduler: SchedulerHandle, taskId: string): Promise<TaskInstanceView> {
  const task = (await scheduler.run('jobs', runId))?.tasks.find((task) => task.taskId === taskId)
  if (!task) throw new Error(`no task ${taskId}`)
  return task
}

test('an attempt over its time-out is cancelled with the reason and grace, and counts as a failure', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('fetch', { executionTimeoutMs: 120_000, retries: 1 })])
  await rig.clock.advance(119_999)
  expect(rig.attempt('fetch').cancels).toEqual([])
  await rig.clock.advance(1)
  expect(rig.attempt('fetch').cancels).toEqual([{ reason: 'the attempt took longer than its executionTimeout of 2m', graceMs: 5_000 }])
  await rig.attempt('fetch').end({ is: 'cancelled', reason: 'time-out' })
  expect(await taskOf(scheduler, 'fetch')).toMatchObject({
    state: 'up_for_retry',
    error: { code: 'TIMED_OUT' },
    attempts: [{ state: 'timed_out' }],
  })
})

test('one that does not end after the grace is lost, and its late result is refused', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('fetch', { executionTimeoutMs: 1_000 })])
  const hanging = rig.attempt('fetch')
  await rig.clock.advance(1_000 + 9_999)
  expect(rig.attempts).toHaveLength(1)
  await rig.clock.advance(1)
  expect(rig.attempts).toHaveLength(2)
  await hanging.end({ is: 'ok', value: 'late' })
  expect(await taskOf(scheduler, 'fetch')).toMatchObject({
    state: 'running',
    attempt: 2,
    attempts: [{ state: 'lost' }, { state: 'running' }],
  })
  hanging.on.progress(7, 7)
  expect((await taskOf(scheduler, 'fetch')).progress).toBeNull()
})

test('a result that comes within the grace is taken', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('fetch', { executionTimeoutMs: 1_000 })])
  await rig.clock.advance(2_000)
  await rig.attempt('fetch').end(ok)
  expect(await scheduler.run('jobs', runId)).toMatchObject({ state: 'success' })
})

test('a lost attempt is tried again at once without using up a retry, five in a row fail the task', async () => {
  await using rig = createRig(() => ({ is: 'lost', reason: 'killed by SIGKILL' }))
  const scheduler = await startRun(rig, [taskDef('fetch', { retries: 3 })])
  const task = await taskOf(scheduler, 'fetch')
  expect(task.state).toBe('failed')
  expect(task.attempts.map((attempt) => attempt.state)).toEqual(['lost', 'lost', 'lost', 'lost', 'lost'])
  expect(task.error?.message).toBe('Lost 5 attempts in a row, the last one: killed by SIGKILL')
})

test('losses that are not in a row do not add up', async () => {
  const ends: AttemptEnd[] = [1, 2, 3, 4, 5, 6, 7].map((i) => (i % 4 === 0 ? failure() : { is: 'lost', reason: 'killed' }))
  await using rig = createRig(() => ends.shift() ?? ok)
  const scheduler = await startRun(rig, [taskDef('fetch', { retries: 1, retryDelayMs: 0 })])
  await rig.clock.advance(1_000)
  expect(await taskOf(scheduler, 'fetch')).toMatchObject({ state: 'success', attempt: 8 })
})

test('an attempt without a sign of life for five minutes is lost, one that gives signs is not', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('silent'), taskDef('alive')])
  for (let minute = 0; minute < 6; minute++) {
    rig.attempt('alive').on.heartbeat()
    await rig.clock.advance(60_000)
  }
  expect(await taskOf(scheduler, 'silent')).toMatchObject({
    attempt: 2,
    attempts: [{ state: 'lost', reason: 'no sign of life for 5m' }, {}],
  })
  expect(await taskOf(scheduler, 'alive')).toMatchObject({ attempt: 1, state: 'running' })
})

test('startAttempt that throws counts as lost', async () => {
  await using rig = createRig(() => {
    throw new Error('no more processes')
  })
  const scheduler = await startRun(rig, [taskDef('fetch')])
  expect((await taskOf(scheduler, 'fetch')).error?.message).toContain('no more processes')
})

test('an error that no retry can mend is not retried', async () => {
  await using rig = createRig(() => failure('wrong password', false))
  const scheduler = await startRun(rig, [taskDef('fetch', { retries: 3 })])
  expect(await taskOf(scheduler, 'fetch')).toMatchObject({ state: 'failed', attempt: 1 })
})

test('back-off doubles the wait', async () => {
  await using rig = createRig(() => failure())
  await startRun(rig, [taskDef('fetch', { retries: 3, retryDelayMs: 1_000, retryExponentialBackoff: true, maxRetryDelayMs: 3_000 })])
  const counts: number[] = []
  for (const ms of [999, 1, 1_999, 1, 2_999, 1]) {
    await rig.clock.advance(ms)
    counts.push(rig.attempts.length)
  }
  expect(counts).toEqual([1, 2, 2, 3, 3, 4])
})

test('a deferred task holds no slot and goes on at its time', async () => {
  await using rig = createRig(({ run }) =>
    run.attempt.attempt === 1 ? { is: 'deferred', untilMs: Date.parse('2026-03-02T13:00:00Z') } : ok,
  )
  const scheduler = await startRun(rig, [taskDef('wait')])
  expect(await taskOf(scheduler, 'wait')).toMatchObject({ state: 'deferred', wakesAt: '2026-03-02T13:00:00.000Z' })
  await rig.clock.advance(3_600_000)
  expect(await taskOf(scheduler, 'wait')).toMatchObject({ state: 'success', attempt: 2 })
})

test.each([
  ['result', { is: 'ok', value: 'x'.repeat(50_000) } as const, undefined, /result of task fetch is 50002 bytes.*48 KiB/],
  ['xcom', ok, 'y'.repeat(60_000), /xcom "page" of task fetch is 60002 bytes/],
])('a %s over the limit fails the attempt for good, naming it', async (_what, end, xcom, message) => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('fetch', { retries: 3 })])
  if (xcom !== undefined) rig.attempt('fetch').on.xcom('page', xcom)
  await rig.attempt('fetch').end(end)
  const task = await taskOf(scheduler, 'fetch')
  expect(task.state).toBe('failed')
  expect(task.error?.message).toMatch(message)
})

test('an end that cannot be stored fails its task and holds up nothing', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('bad'), taskDef('good')])
  await rig.attempt('bad').end({ is: 'deferred', untilMs: Number.NaN })
  await rig.attempt('good').end(ok)
  expect(taskStates(await scheduler.run('jobs', runId))).toEqual({ bad: 'failed', good: 'success' })
})

test('a skipped task skips what needs its success and hands null to what does not', async () => {
  await using rig = createRig(({ run }) => (run.attempt.taskId === 'check' ? { is: 'skipped', reason: 'no news' } : ok))
  const tasks = [
    taskDef('check'),
    taskDef('load', { upstream: ['check'] }),
    taskDef('report', { inputs: ['check'], upstream: ['load'], triggerRule: 'all_done' }),
  ]
  const scheduler = await startRun(rig, tasks)
  expect(taskStates(await scheduler.run('jobs', runId))).toEqual({ check: 'skipped', load: 'skipped', report: 'success' })
  expect(rig.attempt('report').run.ctx.inputs).toEqual([null])
})

test('a cancelled run is failed with the reason; what runs is cancelled, the rest skipped', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('fetch', { retries: 5 }), taskDef('load', { upstream: ['fetch'] })])
  expect(await scheduler.cancelRun('jobs', runId, 'not today')).toMatchObject({ state: 'failed', reason: 'cancelled: not today' })
  expect(rig.attempt('fetch').cancels).toEqual([{ reason: 'cancelled: not today', graceMs: 5_000 }])
  await rig.attempt('fetch').end(failure('aborted'))
  await rig.clock.advance(60_000)
  expect(taskStates(await scheduler.run('jobs', runId))).toEqual({ fetch: 'failed', load: 'skipped' })
  expect(rig.attempts).toHaveLength(1)
  await expect(scheduler.cancelRun('jobs', 'none', 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a run over its time-out is failed', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('fetch')], { timeoutMs: 60_000 })
  await rig.clock.advance(60_000)
  expect(await scheduler.run('jobs', runId)).toMatchObject({ state: 'failed', reason: 'timed out: the run took longer than 1m' })
  expect(rig.attempt('fetch').cancels).toHaveLength(1)
})

test('no more attempts run at a time than maxConcurrentTasks', async () => {
  await using rig = createRig()
  const scheduler = await rig.start({ maxConcurrentTasks: 2 })
  await scheduler.register(projectOf(dagDef(['a', 'b', 'c'].map((id) => taskDef(id)))))
  await scheduler.trigger('jobs', { runId })
  await settle()
  expect(taskStates(await scheduler.run('jobs', runId))).toEqual({ a: 'running', b: 'running', c: 'scheduled' })
  await rig.attempt('a').end(ok)
  expect(rig.attempts).toHaveLength(3)
})

test('each attempt has its own log, which says why it is tried again', async () => {
  await using rig = createRig()
  const scheduler = await startRun(rig, [taskDef('fetch', { retries: 3 })])
  rig.attempt('fetch').on.log('first\nsecond', rig.clock.nowMs())
  await rig.attempt('fetch').end(failure('HTTP 500'))
  await rig.clock.advance(10_000)
  await rig.attempt('fetch').end(ok)
  const ids = { dagId: 'jobs', runId, taskId: 'fetch' }
  const [first, latest] = [await scheduler.attemptLog({ ...ids, attempt: 1 }), await scheduler.attemptLog(ids)]
  expect(await scheduler.attemptLog({ ...ids, attempt: 9 })).toBeNull()
  await scheduler.close()
  expect(lines(first?.path)).toEqual(['[scheduler] attempt 1 started', 'first', 'second', '[scheduler] HTTP 500 — retry 1 of 3 in 10s'])
  expect(lines(latest?.path)).toEqual(['[scheduler] attempt 2, retry 1 of 3 started', '[scheduler] succeeded'])
  expect(latest?.attempt).toBe(2)
})

/** The lines of a log without their times. */
function lines(path = ''): string[] {
  const text = readFileSync(path, 'utf8').trimEnd()
  return text.split('\n').map((line) => line.slice(25))
}
