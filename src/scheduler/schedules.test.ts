import { expect, test } from 'vitest'
import type { SchedulerHandle } from './index.ts'
import { createRig, dagDef, ok, projectOf, settle, taskDef } from './scheduler-rig.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const byText = (a: string, b: string): number => (a < b ? -1 : 1)
const daily = (options = {}) => projectOf(dagDef([taskDef('fetch')], { schedule: '@daily', ...options }))
const logicalDates = async (scheduler: SchedulerHandle): Promise<string[]> =>
  (await scheduler.runs()).map((run) => run.logicalDate.slice(0, 10)).toReversed()

test('a daily dag runs at each midnight for the day that has ended, and for no day before', async () => {
  await using rig = createRig(() => ok, '2026-03-02T23:00:00Z')
  const scheduler = await rig.start()
  await scheduler.register(daily())
  await settle()
  expect(await scheduler.dags()).toMatchObject([
    { id: 'jobs', nextRun: '2026-03-03T00:00:00.000Z', lastRun: null, runCount: 0, tasks: ['fetch'] },
  ])
  await rig.clock.advance(hourMs - 1)
  expect(await scheduler.runs()).toEqual([])
  await rig.clock.advance(1)
  expect(await scheduler.runs()).toMatchObject([
    {
      runId: 'scheduled__2026-03-02T00:00:00+00:00',
      state: 'success',
      trigger: 'scheduled',
      queuedAt: '2026-03-03T00:00:00.000Z',
      dataInterval: { start: '2026-03-02T00:00:00.000Z', end: '2026-03-03T00:00:00.000Z' },
    },
  ])
  rig.clock.step(dayMs - hourMs)
  await rig.clock.advance(hourMs)
  expect(await logicalDates(scheduler)).toEqual(['2026-03-02', '2026-03-03'])
})

test.each([
  [false, ['2026-03-05']],
  [true, ['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05']],
])('after days away, catchup %s runs %j', async (catchup, dates) => {
  await using rig = createRig(() => ok)
  const first = await rig.start()
  await first.register(daily({ catchup }))
  await settle()
  await first.close()
  await rig.clock.advance(4 * dayMs)
  const second = await rig.start()
  await second.register(daily({ catchup }))
  await settle()
  expect(await logicalDates(second)).toEqual(dates)
})

test('a start date in the past with catchup runs every interval since, at most maxActiveRuns at a time', async () => {
  await using rig = createRig()
  const scheduler = await rig.start({ maxConcurrentTasks: 100 })
  await scheduler.register(daily({ catchup: true, startDate: '2026-02-20', endDate: '2026-02-27', maxActiveRuns: 3 }))
  await settle()
  expect(rig.attempts).toHaveLength(3)
  for (const attempt of rig.attempts) await attempt.end(ok)
  expect(await scheduler.runs()).toHaveLength(8)
  expect((await scheduler.dags())[0]?.nextRun).toBeNull()
})

test('a clock that steps back and forth runs no interval twice and leaves none out', async () => {
  await using rig = createRig(() => ok)
  const scheduler = await rig.start()
  const logicalHours = async (): Promise<string[]> => (await scheduler.runs()).map((run) => run.logicalDate.slice(0, 13)).toSorted(byText)
  await scheduler.register(daily({ schedule: '@hourly' }))
  await rig.clock.advance(hourMs + 1_000)
  rig.clock.step(-2_000)
  await rig.clock.advance(60_000)
  rig.clock.step(-2 * hourMs)
  await rig.clock.advance(60_000)
  expect(await logicalHours()).toEqual(['2026-03-02T12'])
  rig.clock.step(366 * dayMs)
  await rig.clock.advance(60_000)
  expect(await logicalHours()).toEqual(['2026-03-02T12', '2027-03-03T10'])
  rig.clock.step(-366 * dayMs)
  await rig.clock.advance(4 * hourMs)
  expect(await logicalHours()).toEqual(['2026-03-02T12', '2026-03-02T13', '2026-03-02T14', '2027-03-03T10'])
})

test('a wall clock set forward is noticed within a minute', async () => {
  await using rig = createRig(() => ok)
  const scheduler = await rig.start()
  await scheduler.register(daily())
  await settle()
  rig.clock.step(dayMs)
  await rig.clock.advance(60_000)
  expect(await logicalDates(scheduler)).toEqual(['2026-03-02'])
})

test('@once runs once, over restarts too', async () => {
  await using rig = createRig(() => ok)
  for (let start = 0; start < 2; start++) {
    const scheduler = await rig.start()
    await scheduler.register(projectOf(dagDef([taskDef('fetch')], { schedule: '@once' })))
    await rig.clock.advance(hourMs)
    expect(await scheduler.runs()).toHaveLength(1)
    await scheduler.close()
  }
})

test('a paused dag starts nothing, stays paused over a restart, and goes on when unpaused', async () => {
  await using rig = createRig(() => ok)
  const first = await rig.start()
  await first.register(daily())
  await first.setPaused('jobs', true)
  await first.close()
  const scheduler = await rig.start()
  await scheduler.register(daily())
  rig.clock.step(3 * dayMs)
  await rig.clock.advance(60_000)
  const { run } = await scheduler.trigger('jobs')
  await settle()
  expect(await scheduler.dags()).toMatchObject([{ paused: true, nextRun: null, runCount: 1 }])
  expect((await scheduler.run('jobs', run.runId))?.state).toBe('queued')
  await scheduler.setPaused('jobs', false)
  await settle()
  expect((await scheduler.runs()).map(({ trigger, state }) => `${trigger} ${state}`).toSorted(byText)).toEqual([
    'manual success',
    'scheduled success',
  ])
})

test('a run over maxActiveRuns waits for its turn', async () => {
  await using rig = createRig()
  const scheduler = await rig.start()
  await scheduler.register(projectOf(dagDef([taskDef('fetch')], { maxActiveRuns: 1 })))
  await scheduler.trigger('jobs', { runId: 'a' })
  await scheduler.trigger('jobs', { runId: 'b' })
  await settle()
  expect(rig.attempts).toHaveLength(1)
  await rig.attempt('fetch').end(ok)
  expect(rig.attempt('fetch').run.attempt.runId).toBe('b')
})
