import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRig, dagDef, failure, ok, projectOf, settle, taskDef, taskStates, type Rig } from './scheduler-rig.ts'
import { crashRounds } from './store-rig.ts'
import type { AttemptEnd } from './types.ts'

async function storedAttempts(rig: Rig): Promise<{ task_id: string; state: string; count: number }[]> {
  const rows = await rig.store.query('select task_id, state, count(*) as count from task_attempt group by dag_id, run_id, task_id, state')
  return rows.map((row) => ({ task_id: String(row.task_id), state: String(row.state), count: Number(row.count) }))
}

const tasks = [
  taskDef('a', { retries: 2, retryDelayMs: 1_000 }),
  taskDef('b', { upstream: ['a'], inputs: ['a'], retries: 2, retryDelayMs: 1_000 }),
  taskDef('c', { upstream: ['a'], triggerRule: 'all_done' }),
  taskDef('d', { upstream: ['b', 'c'], triggerRule: 'none_failed' }),
]
const ends = fc.constantFrom<AttemptEnd>(ok, ok, ok, failure(), { is: 'lost', reason: 'killed' }, { is: 'skipped', reason: 'no news' })

test('killed at any statement, as often as it likes: each run ends, and each success is recorded once', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 3 }),
      fc.array(ends, { maxLength: 12 }),
      async (crashes, script) => {
        const left = [...script]
        await using rig = createRig(() => left.shift() ?? ok)
        const project = projectOf(dagDef(tasks))
        const setUp = await rig.start()
        await setUp.register(project)
        await setUp.close()
        let triggered = false
        for (const statements of crashes) {
          const { crashed } = rig.store.crashAfter(statements)
          try {
            const scheduler = await rig.start()
            await scheduler.register(project)
            await scheduler.trigger('jobs', { runId: 'run' })
            triggered = true
            for (let i = 0; i < 5 && !crashed(); i++) await rig.clock.advance(1_000)
          } catch (error) {
            if (!crashed()) throw error
          }
          rig.store.revive()
          await rig.abandon()
        }
        const scheduler = await rig.start()
        await scheduler.register(project)
        if (!triggered) await scheduler.trigger('jobs', { runId: 'run' })
        await rig.clock.advance(60_000)
        const run = await scheduler.run('jobs', 'run')
        expect(['success', 'failed']).toContain(run?.state)
        expect(
          Object.values(taskStates(run)).filter((state) => !['success', 'failed', 'skipped', 'upstream_failed'].includes(state)),
        ).toEqual([])
        const attempts = await storedAttempts(rig)
        const successes = attempts.filter((row) => row.state === 'success')
        expect(successes.filter((row) => row.count > 1)).toEqual([])
        expect(attempts.filter((row) => row.state === 'running')).toEqual([])
        for (const task of run?.tasks ?? []) {
          expect(successes.some((row) => row.task_id === task.taskId)).toBe(task.state === 'success')
          expect(task.attempts.map((attempt) => attempt.attempt)).toEqual(task.attempts.map((_, i) => i + 1))
        }
      },
    ),
    { numRuns: crashRounds() },
  )
})

test('an attempt that a dead supervisor left running is lost, told so in its log, and tried again', async () => {
  await using rig = createRig()
  const dead = await rig.start()
  await dead.register(projectOf(dagDef([taskDef('fetch')])))
  const { run } = await dead.trigger('jobs')
  await settle()
  const orphan = rig.attempt('fetch')
  const alive = await rig.start()
  await alive.register(projectOf(dagDef([taskDef('fetch')])))
  await settle()
  expect(rig.attempt('fetch').run.attempt).toMatchObject({ attempt: 2, epoch: 2 })

  const failed = dead.failed.catch((error: unknown) => error)
  await orphan.end({ is: 'ok', value: 'from the old supervisor' })
  expect(await failed).toMatchObject({ code: 'DATA_DIR_IN_USE' })
  expect((await alive.run('jobs', run.runId))?.tasks[0]).toMatchObject({
    state: 'running',
    attempt: 2,
    attempts: [{ state: 'lost' }, { state: 'running' }],
  })
  await rig.attempt('fetch').end(ok)
  expect((await alive.run('jobs', run.runId))?.state).toBe('success')
})

test('nothing is started before the definitions are registered or resumed', async () => {
  await using rig = createRig()
  const first = await rig.start()
  await first.register(projectOf(dagDef([taskDef('fetch')])))
  await first.close()
  const second = await rig.start()
  await second.trigger('jobs')
  await rig.clock.advance(60_000)
  expect(rig.attempts).toEqual([])
  second.resume()
  await settle()
  expect(rig.attempts).toHaveLength(1)
})

test('two hundred small tasks are through in a few seconds', async () => {
  await using rig = createRig(() => ok)
  const scheduler = await rig.start()
  const wide = Array.from({ length: 200 }, (_, i) => taskDef(`t${i}`, i < 20 ? {} : { upstream: [`t${i - 20}`] }))
  await scheduler.register(projectOf(dagDef(wide)))
  const ended = Promise.withResolvers<void>()
  scheduler.onChange((event) => {
    if (event.taskId === undefined && event.state === 'success') ended.resolve()
  })
  const startedMs = performance.now()
  await scheduler.trigger('jobs')
  await ended.promise
  expect(performance.now() - startedMs).toBeLessThan(5_000)
  expect(rig.attempts).toHaveLength(200)
})
