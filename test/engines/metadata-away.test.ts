import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RunDetail } from '../../src/core/index.ts'
import { startScheduler, type SchedulerHandle, type SchedulerOptions } from '../../src/scheduler/index.ts'
import { dagDef, projectOf, taskDef, taskStates } from '../../src/scheduler/scheduler-rig.ts'
import { engines, type PostgresEngine } from '../../tools/engines/index.ts'
import { eventually } from '../harness/millrace.ts'
import { startProxy, type Proxy } from '../harness/proxy.ts'
import { describeOn } from './available.ts'
import { controlledAttempts } from './metadata/controlled-attempts.ts'

/** `MILLRACE_AWAY_SECONDS=60` is the whole of it; a sample in CI. */
const awayMs = Number(process.env.MILLRACE_AWAY_SECONDS ?? 15) * 1_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describeOn(['postgres15'], 'PostgreSQL away', () => {
  let postgres: PostgresEngine
  let proxy: Proxy
  let dir: string
  let handles: SchedulerHandle[]
  let schema = 0

  beforeAll(async () => {
    postgres = await engines.postgres15()
  }, 600_000)
  afterAll(async () => {
    await postgres[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    proxy = await startProxy({ target: { host: '127.0.0.1', port: postgres.ports.postgres ?? 0 } })
    dir = mkdtempSync(join(tmpdir(), 'millrace-away-'))
    handles = []
    schema++
  })
  afterEach(async () => {
    for (const handle of handles) await handle.close()
    await proxy.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const throughProxy = (): string => {
    const url = new URL(postgres.url)
    url.port = String(proxy.port)
    url.searchParams.set('schema', `away_${schema}`)
    return url.href
  }
  const start = async (
    startAttempt: SchedulerOptions['startAttempt'],
    options: Partial<SchedulerOptions> = {},
  ): Promise<SchedulerHandle> => {
    const base = { metadataUrl: throughProxy(), metadataPath: '', project: 'users', instance: 'one', logsDir: dir, startAttempt }
    const handle = await startScheduler({ ...base, ...options })
    handles.push(handle)
    return handle
  }
  const succeeded = (scheduler: SchedulerHandle, timeoutMs = 60_000): Promise<RunDetail | null> =>
    eventually(
      () => scheduler.run('jobs', 'run').catch(() => null),
      (run) => run?.state === 'success',
      timeoutMs,
    )

  test('nothing exits, what runs goes on, results are recorded when it is back, and schedules catch up as they say', async () => {
    const attempts = controlledAttempts(null)
    const scheduler = await start(attempts.start)
    const ticking = (id: string, catchup: boolean) =>
      dagDef([taskDef(`${id}_task`)], { id, schedule: 'every 2s', catchup, maxActiveRuns: 1_000 })
    const tasks = [taskDef('a'), taskDef('b'), taskDef('after', { upstream: ['a', 'b'] })]
    await scheduler.register(projectOf(dagDef(tasks), ticking('each', true), ticking('last', false)))
    await scheduler.setPaused('each', true)
    await scheduler.setPaused('last', true)
    await scheduler.trigger('jobs', { runId: 'run' })
    await eventually(
      () => attempts.all.length,
      (count) => count === 2,
    )
    await scheduler.setPaused('each', false)
    await scheduler.setPaused('last', false)
    const knownBefore = new Set((await scheduler.runs()).map((run) => run.runId))

    await proxy.set({ is: 'refuse' })
    const leftMs = Date.now()
    attempts.of('a')[0]?.end({ is: 'ok', value: 1 })
    await eventually(
      () => scheduler.store,
      (store) => store.is === 'away' && store.unrecorded === 1,
    )
    const store = scheduler.store
    expect(store).toMatchObject({ is: 'away', reason: expect.stringContaining('does not answer') })
    const askedMs = Date.now()
    await expect(scheduler.trigger('jobs')).rejects.toMatchObject({ code: 'METADATA_UNAVAILABLE', retriable: true })
    await expect(scheduler.runs()).rejects.toMatchObject({ code: 'METADATA_UNAVAILABLE' })
    // Both were refused at once, and did not wait for PostgreSQL.
    expect(Date.now() - askedMs).toBeLessThan(awayMs)
    expect(scheduler.store.is).toBe('away')
    await pause(awayMs - (Date.now() - leftMs) - 100)
    attempts.of('b')[0]?.end({ is: 'ok', value: 2 })
    expect(attempts.of('b')[0]?.cancelled).toBe(false)
    await proxy.set({ is: 'pass' })
    const backMs = Date.now()
    await eventually(
      () => attempts.of('after').length,
      (count) => count === 1,
    )
    const resumedMs = Date.now() - backMs
    attempts.of('after')[0]?.end({ is: 'ok', value: 3 })
    const run = await succeeded(scheduler)
    expect(run?.tasks.map((task) => task.attempts.map((attempt) => attempt.state))).toEqual([['success'], ['success'], ['success']])
    expect(scheduler.store).toEqual({ is: 'ok', unrecorded: 0 })

    for (const attempt of attempts.all) attempt.end({ is: 'ok', value: null })
    const runs = (await scheduler.runs({ limit: 1_000 })).filter((each) => !knownBefore.has(each.runId) && each.dagId !== 'jobs')
    const queuedAtReturn = (dagId: string): number =>
      runs.filter(
        (each) => each.dagId === dagId && Date.parse(each.dataInterval.end) < backMs && Date.parse(each.dataInterval.end) > leftMs,
      ).length
    console.log(
      `away for ${Math.round((backMs - leftMs) / 1_000)} s: 1 run with 3 results, all recorded; progress resumed after ${resumedMs / 1_000} s; ` +
        `intervals of the gap run: ${queuedAtReturn('each')} with catchup, ${queuedAtReturn('last')} without`,
    )
    expect(queuedAtReturn('each')).toBeGreaterThanOrEqual(Math.floor(awayMs / 2_000) - 1)
    // The latest one alone, which may have ended after PostgreSQL was back.
    expect(queuedAtReturn('last')).toBeLessThanOrEqual(1)
  }, 240_000)

  test('cut again and again in the middle of transactions: every task succeeds once', async () => {
    const attempts = controlledAttempts(20)
    const scheduler = await start(attempts.start)
    const tasks = Array.from({ length: 80 }, (_, i) => taskDef(`t${i}`, i < 8 ? {} : { upstream: [`t${i - 8}`] }))
    await scheduler.register(projectOf(dagDef(tasks)))
    await scheduler.trigger('jobs', { runId: 'run' })
    let cuts = 0
    const done = succeeded(scheduler, 90_000)
    for (let begun = 4; begun <= tasks.length - 4; begun += 3) {
      await eventually(
        () => attempts.all.length,
        (count) => count >= begun,
      )
      // At another point of a turn each time.
      await pause((begun * 7) % 23)
      cuts += proxy.cut() > 0 ? 1 : 0
    }
    const run = await done
    const states = run?.tasks.map((task) => task.attempts.map((attempt) => attempt.state)) ?? []
    console.log(`${cuts} cuts; ${states.flat().filter((state) => state === 'lost').length} attempts claimed and never begun`)
    expect(states.map((each) => each.at(-1))).toEqual(tasks.map(() => 'success'))
    expect(states.flatMap((each) => each.slice(0, -1)).every((state) => state === 'lost')).toBe(true)
    // What began, began once: an attempt whose claim was in doubt never did.
    expect(attempts.all).toHaveLength(tasks.length)
  }, 180_000)

  test.each(['dead', 'resume'] as const)(
    'half open, then %s: no call hangs, and the work goes on',
    async (afterwards) => {
      const attempts = controlledAttempts(null)
      const scheduler = await start(attempts.start)
      await scheduler.register(projectOf(dagDef([taskDef('a'), taskDef('b', { upstream: ['a'] })])))
      await scheduler.trigger('jobs', { runId: 'run' })
      await eventually(
        () => attempts.of('a').length,
        (count) => count === 1,
      )
      await proxy.set({ is: 'half-open', afterwards })
      attempts.of('a')[0]?.end({ is: 'ok', value: 1 })
      const askedMs = Date.now()
      await expect(scheduler.runs()).rejects.toMatchObject({ code: 'METADATA_UNAVAILABLE' })
      // A connection that says nothing is not waited for for ever.
      expect(Date.now() - askedMs).toBeLessThan(60_000)
      await eventually(
        () => scheduler.store.is,
        (is) => is === 'away',
      )
      await proxy.set({ is: 'pass' })
      await eventually(
        () => attempts.of('b').length,
        (count) => count === 1,
      )
      attempts.of('b')[0]?.end({ is: 'ok', value: 2 })
      expect(taskStates(await succeeded(scheduler))).toEqual({ a: 'success', b: 'success' })
      expect(attempts.all).toHaveLength(2)
    },
    120_000,
  )

  test('kill -9 of PostgreSQL and a start again', async () => {
    const attempts = controlledAttempts(20)
    const scheduler = await start(attempts.start)
    const tasks = Array.from({ length: 40 }, (_, i) => taskDef(`t${i}`, i === 0 ? {} : { upstream: [`t${i - 1}`] }))
    await scheduler.register(projectOf(dagDef(tasks)))
    await scheduler.trigger('jobs', { runId: 'run' })
    await eventually(
      () => attempts.all.length,
      (count) => count >= 10,
    )
    await postgres.kill()
    await eventually(
      () => scheduler.store.is,
      (is) => is === 'away',
    )
    await postgres.restart()
    const backMs = Date.now()
    await eventually(
      () => scheduler.store.is,
      (is) => is === 'ok',
    )
    console.log(`PostgreSQL killed and started again: the scheduler was back after ${(Date.now() - backMs) / 1_000} s`)
    const run = await succeeded(scheduler)
    expect(run?.tasks.map((task) => task.state)).toEqual(tasks.map(() => 'success'))
    expect(attempts.all).toHaveLength(tasks.length)
  }, 180_000)

  describe('at the start', () => {
    test('it is waited for, and the wait says for what', async () => {
      await proxy.set({ is: 'refuse' })
      const reasons: string[] = []
      const starting = start(controlledAttempts(20).start, { onWaiting: (error) => reasons.push(error.message) })
      await eventually(
        () => reasons.length,
        (count) => count > 0,
      )
      expect(reasons[0]).toMatch(/^PostgreSQL at 127\.0\.0\.1:\d+ does not answer: connect ECONNREFUSED/)
      await proxy.set({ is: 'pass' })
      expect((await starting).store.is).toBe('ok')
    })

    test('the wait can be given up', async () => {
      await proxy.set({ is: 'refuse' })
      const giveUp = new AbortController()
      const starting = start(controlledAttempts(20).start, { giveUpWaiting: giveUp.signal, onWaiting: () => giveUp.abort() })
      await expect(starting).rejects.toMatchObject({ code: 'CANCELLED' })
    })
  })
})
