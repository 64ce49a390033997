import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startScheduler } from './index.ts'
import { createRig, dagDef, ok, projectOf, settle, taskDef } from './scheduler-rig.ts'

test('a changed definition is a new version, and a run keeps the version it started with', async () => {
  await using rig = createRig()
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('a'), taskDef('b', { upstream: ['a'] })]), dagDef([taskDef('x')], { id: 'other' })))
  const { run } = await scheduler.trigger('jobs')
  await settle()
  expect(await scheduler.register(projectOf(dagDef([taskDef('a')]), dagDef([taskDef('y')], { id: 'third' })))).toEqual({
    added: ['third'],
    changed: ['jobs'],
    removed: ['other'],
  })
  await rig.attempt('a').end(ok)
  await rig.attempt('b').end(ok)
  expect(await scheduler.run('jobs', run.runId)).toMatchObject({ state: 'success', dagVersion: 1 })
  const next = await scheduler.trigger('jobs')
  expect(next.run.dagVersion).toBe(2)
  expect((await scheduler.run('jobs', next.run.runId))?.tasks.map((task) => task.taskId)).toEqual(['a'])
})

test('another build of the same definition is no new version, and retries run the new build', async () => {
  await using rig = createRig()
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('a')], { at: 'jobs.pipeline.ts:3' })))
  await scheduler.trigger('jobs')
  await settle()
  const rebuilt = taskDef('a', { fn: { module: 'build-2.mjs', export: 'jobs', node: 'a', digest: 'd2' } })
  expect(await scheduler.register(projectOf(dagDef([rebuilt], { at: 'jobs.pipeline.ts:9' })))).toEqual({
    added: [],
    changed: [],
    removed: [],
  })
  await rig.attempt('a').end({ is: 'lost', reason: 'killed' })
  expect(rig.attempt('a').run.task.digest).toBe('d2')
})

test.each([
  ['a circle', [taskDef('a', { upstream: ['b'] }), taskDef('b', { inputs: ['a'] })], {}, /circle: .*a.*b/],
  ['an unknown task', [taskDef('a', { upstream: ['z'] })], {}, /a comes after z/],
  ['two tasks of one id', [taskDef('a'), taskDef('a')], {}, /same id/],
  ['an id that is a path', [taskDef('../a')], {}, /"\.\.\/a" is no id/],
  ['a wrong schedule', [taskDef('a')], { schedule: '@often' }, /@often/],
])('%s is refused and changes nothing', async (_what, tasks, options, message) => {
  await using rig = createRig()
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('kept')], { id: 'kept' })))
  await expect(scheduler.register(projectOf(dagDef(tasks, options)))).rejects.toThrow(message)
  expect((await scheduler.dags()).map((dag) => dag.id)).toEqual(['kept'])
})

test('a dag that is not there is an error that names those that are', async () => {
  await using rig = createRig()
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('a')])))
  await expect(scheduler.trigger('job')).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'There is no dag "job"; there is jobs.' })
  await expect(scheduler.setPaused('job', true)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('what is triggered at once with one run id, or only as the first, makes one run', async () => {
  await using rig = createRig()
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('a')]), dagDef([taskDef('a')], { id: 'firsts' })))
  const atOnce = async (dagId: string, options: { runId?: string; onlyIfNoRuns?: boolean }): Promise<boolean[]> =>
    (await Promise.all(Array.from({ length: 5 }, () => scheduler.trigger(dagId, options)))).map(({ created }) => created)
  expect((await atOnce('jobs', { runId: 'same' })).filter(Boolean)).toHaveLength(1)
  expect((await atOnce('firsts', { onlyIfNoRuns: true })).filter(Boolean)).toHaveLength(1)
})

test('triggering twice in one millisecond makes two runs; onlyIfNoRuns and a known run id make none', async () => {
  await using rig = createRig()
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('a')])))
  const first = await scheduler.trigger('jobs', { onlyIfNoRuns: true })
  const second = await scheduler.trigger('jobs')
  expect([first.created, second.created]).toEqual([true, true])
  expect(second.run.runId).toBe('manual__2026-03-02T12:00:00.001+00:00')
  expect(await scheduler.trigger('jobs', { onlyIfNoRuns: true })).toMatchObject({ created: false })
  expect(await scheduler.trigger('jobs', { runId: first.run.runId })).toMatchObject({ created: false, run: { runId: first.run.runId } })
  await expect(scheduler.trigger('jobs', { runId: '../up' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
})

test('a setting is what the first that asked gave it, also after a restart', async () => {
  await using rig = createRig()
  const first = await rig.start()
  const [seed, ...others] = await Promise.all(['abc', 'def', 'ghi'].map((initial) => first.setting('random-user.seed', initial)))
  expect(others).toEqual([seed, seed])
  await first.close()
  expect(await (await rig.start()).setting('random-user.seed', 'jkl')).toBe(seed)
  await expect(first.setting('x', 'y')).rejects.toMatchObject({ code: 'CLOSED' })
})

test('a store of a newer Millrace is refused with the reason', async () => {
  await using rig = createRig()
  await (await rig.start()).close()
  await rig.store.query("insert into kysely_migration values ('9999_later', '2030')")
  await expect(rig.start()).rejects.toMatchObject({ code: 'DATA_DIR_NEWER' })
})

test('a file that is no store is refused with the reason', async () => {
  await using rig = createRig()
  const metadataPath = join(rig.dir, 'broken.sqlite')
  writeFileSync(metadataPath, 'not a database at all, and long enough to be looked at'.repeat(50))
  const options = { metadataPath, logsDir: rig.dir, startAttempt: () => ({ end: Promise.resolve(ok), cancel: () => {} }) }
  await expect(startScheduler(options)).rejects.toMatchObject({ code: 'DATA_CORRUPT' })
})
