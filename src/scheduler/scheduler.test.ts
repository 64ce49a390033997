import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createRig, dagDef, failure, ok, projectOf, settle, taskDef, taskStates } from './scheduler-rig.ts'

test('a triggered run starts its tasks in order and hands results on', async () => {
  await using rig = createRig()
  const scheduler = await rig.start()
  const tasks = [taskDef('fetch'), taskDef('count', { upstream: ['fetch'], inputs: ['fetch'] })]
  expect(await scheduler.register(projectOf(dagDef(tasks, { params: { size: 10 } })))).toEqual({
    added: ['jobs'],
    changed: [],
    removed: [],
  })
  const { run, created } = await scheduler.trigger('jobs', { params: { page: 2 } })
  expect(created).toBe(true)
  expect(run.runId).toBe('manual__2026-03-02T12:00:00+00:00')
  await settle()
  const fetch = rig.attempt('fetch')
  expect(fetch.run.ctx).toMatchObject({
    project: 'users',
    params: { size: 10, page: 2 },
    attempt: 1,
    inputs: [],
    logicalDate: '2026-03-02T12:00:00.000Z',
  })
  fetch.on.log('fetched 60 users', rig.clock.nowMs())
  fetch.on.progress(60, 60)
  expect((await scheduler.run('jobs', run.runId))?.tasks[0]?.progress).toEqual({ done: 60, total: 60 })
  await fetch.end({ is: 'ok', value: { users: 60 } })
  expect(rig.attempt('count').run.ctx.inputs).toEqual([{ users: 60 }])
  await rig.attempt('count').end(ok)
  const detail = await scheduler.run('jobs', run.runId)
  expect(detail).toMatchObject({ state: 'success', endedAt: '2026-03-02T12:00:00.000Z', reason: null })
  expect(taskStates(detail)).toEqual({ fetch: 'success', count: 'success' })
  const log = await scheduler.attemptLog({ dagId: 'jobs', runId: run.runId, taskId: 'fetch' })
  await scheduler.close()
  expect(readFileSync(log?.path ?? '', 'utf8').split('\n')).toEqual([
    '2026-03-02T12:00:00.000Z [scheduler] attempt 1 started',
    '2026-03-02T12:00:00.000Z fetched 60 users',
    '2026-03-02T12:00:00.000Z [scheduler] succeeded',
    '',
  ])
})

test('a failed attempt is tried again after its delay, and the run fails when the retries are used up', async () => {
  await using rig = createRig(() => failure())
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('fetch', { retries: 2 }), taskDef('count', { upstream: ['fetch'] })])))
  const { run } = await scheduler.trigger('jobs')
  await settle()
  expect(taskStates(await scheduler.run('jobs', run.runId))).toEqual({ fetch: 'up_for_retry', count: 'none' })
  await rig.clock.advance(9_999)
  expect(rig.attempts).toHaveLength(1)
  await rig.clock.advance(1)
  expect(rig.attempts).toHaveLength(2)
  await rig.clock.advance(10_000)
  const detail = await scheduler.run('jobs', run.runId)
  expect(detail).toMatchObject({ state: 'failed', reason: 'task fetch failed' })
  expect(taskStates(detail)).toEqual({ fetch: 'failed', count: 'upstream_failed' })
  expect(detail?.tasks[0]?.attempts.map((attempt) => attempt.state)).toEqual(['failed', 'failed', 'failed'])
  expect(detail?.tasks[0]?.error?.message).toBe('boom')
})

test('a run goes on after a restart: what a shutdown stopped is run again without using up a retry', async () => {
  await using rig = createRig()
  const first = await rig.start()
  const project = projectOf(dagDef([taskDef('fetch'), taskDef('count', { upstream: ['fetch'] })]))
  await first.register(project)
  const { run } = await first.trigger('jobs')
  await settle()
  const closed = first.close()
  expect(rig.attempt('fetch').cancels).toEqual([{ reason: 'shutdown', graceMs: 5_000 }])
  await rig.attempt('fetch').end({ is: 'cancelled', reason: 'shutdown' })
  await closed

  const second = await rig.start()
  expect(second.epoch).toBe(first.epoch + 1)
  expect(rig.attempts).toHaveLength(1)
  expect(await second.register(project)).toEqual({ added: [], changed: [], removed: [] })
  await settle()
  expect(rig.attempt('fetch').run.attempt).toMatchObject({ attempt: 2, epoch: 2 })
  await rig.attempt('fetch').end(ok)
  await rig.attempt('count').end(ok)
  const detail = await second.run('jobs', run.runId)
  expect(detail?.state).toBe('success')
  expect(detail?.tasks[0]?.attempts).toMatchObject([{ state: 'cancelled', reason: 'shutdown' }, { state: 'success' }])
})
