import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { startingStatus, type DagView, type FlowCounts, type RunView, type StatusView, type StreamStatus } from '../../core/index.ts'
import { createLogger, MillraceError, systemDisk } from '../../platform/index.ts'
import { resolveSettings, type Settings } from '../../settings/index.ts'
import { SetClock } from './testing/set-clock.ts'
import { startWebhookReceiver, type WebhookReceiver } from './testing/webhook-receiver.ts'
import { StreamMotions } from './stream-motions.ts'
import { AlertWatch } from './watch-alerts.ts'

const flow: FlowCounts = {
  stream: 'load_users',
  topic: 'users_created',
  table: 'a.b',
  fetched: 0,
  inTopic: 0,
  inTable: 0,
  deadLetters: 0,
  isExact: true,
  lag: 0,
}
const run: RunView = {
  dagId: 'daily',
  runId: 'manual__1',
  state: 'success',
  reason: null,
  trigger: 'manual',
  logicalDate: '2026-01-01T00:00:00.000Z',
  dataInterval: { start: '2026-01-01T00:00:00.000Z', end: '2026-01-02T00:00:00.000Z' },
  queuedAt: '2026-01-01T00:00:00.000Z',
  startedAt: null,
  endedAt: null,
  params: {},
  dagVersion: 1,
}
const dag: DagView = {
  id: 'daily',
  schedule: null,
  paused: false,
  nextRun: null,
  lastRun: run,
  runCount: 1,
  tasks: [],
  owner: null,
  tags: [],
  version: 1,
}
const running: StreamStatus = { ...startingStatus('load_users'), state: { is: 'running' } }

const worlds: World[] = []
afterEach(async () => {
  for (const { watch, dataDir } of worlds.splice(0)) {
    await watch.close()
    rmSync(dataDir, { recursive: true })
  }
})

/** A Millrace of one stream and one DAG that is as the test says, and its clock. */
class World {
  readonly clock = new SetClock()
  readonly dataDir = mkdtempSync(join(tmpdir(), 'millrace-alerts-'))
  readonly lines: string[] = []
  stream = running
  flow = flow
  lastRun: RunView | 'away' = run
  part: StatusView['parts'][number] = { name: 'kafka', is: 'embedded', address: 'a:1', state: 'ok', detail: '' }
  watch: AlertWatch
  readonly #settings: Settings['alerts']

  static async open(receiver: WebhookReceiver | null, alerts: object = {}): Promise<World> {
    const webhook = receiver === null ? {} : { webhook: { url: receiver.url, headers: { authorization: 'Bearer s3cret' } } }
    const config = { name: 'users', alerts: { ...webhook, ...alerts } }
    return new World((await resolveSettings({ config, configPath: 'millrace.config.ts', projectDir: '/p', env: {} })).alerts)
  }

  private constructor(settings: Settings['alerts']) {
    this.#settings = settings
    this.watch = this.restart()
    worlds.push(this)
  }

  restart(): AlertWatch {
    const motions = new StreamMotions(() => [this.stream], this.clock)
    return (this.watch = new AlertWatch({
      settings: this.#settings,
      facts: {
        status: () => Promise.resolve(this.#status()),
        motions: () => motions.look(),
        dags: () =>
          this.lastRun === 'away'
            ? Promise.reject(new MillraceError('METADATA_UNAVAILABLE', 'away'))
            : Promise.resolve([{ ...dag, lastRun: this.lastRun }]),
      },
      sender: () => ({ project: 'users', instance: 'millrace-1', externalUrl: '' }),
      dataDir: this.dataDir,
      disk: systemDisk,
      clock: this.clock,
      log: createLogger((line) => this.lines.push(line)),
    }))
  }

  #status(): StatusView {
    return {
      project: 'users',
      projectDir: '/p',
      dataDir: '/data',
      pid: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
      parts: [this.part],
      loadError: null,
      warnings: [],
      flows: [this.flow],
      streams: [this.stream],
      alerts: [],
    }
  }

  /** Looks each five seconds, for so long. */
  async pass(seconds: number): Promise<void> {
    for (let at = 0; at <= seconds; at += 5) {
      await this.watch.look()
      this.clock.advance(5_000)
    }
  }

  get firing(): string[] {
    return this.watch.firing().map(({ name, summary }) => `${name} ${summary}`)
  }
}

/** `status alertname` of what arrived, once there are so many. */
async function arrived(receiver: WebhookReceiver, count: number): Promise<string[]> {
  await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThanOrEqual(count), { timeout: 10_000 })
  return receiver.received.map(({ body }) => `${body.status} ${body.commonLabels.alertname}`)
}

test('a stream that lags is told when it has for long, and again when it has caught up well below the bound', async () => {
  await using receiver = await startWebhookReceiver()
  const world = await World.open(receiver, { rules: { lag: { records: 100, for: '1m' } } })
  world.flow = { ...flow, lag: 101 }
  await world.pass(50)
  expect(world.firing).toEqual([])
  await world.pass(20)
  expect(world.firing).toEqual(['MillraceStreamLag load_users: 101 records wait, more than 100 records'])
  expect(await arrived(receiver, 1)).toEqual(['firing MillraceStreamLag'])
  world.flow = { ...flow, lag: 90 }
  await world.pass(300)
  expect(world.firing).toHaveLength(1)
  world.flow = { ...flow, lag: 80 }
  await world.pass(70)
  expect(world.firing).toEqual([])
  expect(await arrived(receiver, 2)).toEqual(['firing MillraceStreamLag', 'resolved MillraceStreamLag'])
  expect(receiver.received[1]?.body.alerts[0]).toMatchObject({
    startsAt: receiver.received[0]?.body.alerts[0]?.startsAt,
    endsAt: expect.stringMatching(/^2026-01-01T00:0/),
  })
})

test('any new dead letter is told, for as long as it is new', async () => {
  const world = await World.open(null)
  await world.pass(10)
  world.stream = { ...running, deadLetters: 2 }
  await world.pass(10)
  expect(world.firing).toEqual(['MillraceDeadLetters load_users: 2 new dead letters within 900 s'])
  await world.pass(900)
  expect(world.firing).toHaveLength(1)
  await world.pass(100)
  expect(world.firing).toEqual([])
})

test('a stream that stalls is told after a minute, and after a restart it is not told anew', async () => {
  await using receiver = await startWebhookReceiver()
  const world = await World.open(receiver)
  world.stream = { ...running, lag: 5, committed: { 't/0': '1' } }
  await world.pass(55)
  expect(world.firing).toEqual([])
  await world.pass(15)
  expect(world.firing).toEqual([expect.stringMatching(/^MillraceStreamStalled load_users: 5 records wait, none was committed for 7\d s$/)])
  await arrived(receiver, 1)
  await vi.waitFor(() => expect(world.watch.view().webhook).toMatchObject({ waiting: 0, delivered: 1 }))
  await world.watch.close()
  world.restart()
  world.stream = startingStatus('load_users')
  await world.pass(120)
  world.stream = { ...running, lag: 5, committed: { 't/0': '1' } }
  await world.pass(120)
  expect(world.firing).toHaveLength(1)
  expect(receiver.received).toHaveLength(1)
  world.stream = { ...running, lag: 4, committed: { 't/0': '2' } }
  await world.pass(30)
  world.stream = { ...running, committed: { 't/0': '6' } }
  await world.pass(65)
  expect(await arrived(receiver, 2)).toEqual(['firing MillraceStreamStalled', 'resolved MillraceStreamStalled'])
})

test('a stream that has stopped is told by its error’s code, without the message that may tell of values', async () => {
  const world = await World.open(null)
  const error = { code: 'DEAD_LETTER_LIMIT' as const, message: 'ada@example.org is no number', retriable: false }
  world.stream = { ...running, state: { is: 'stopped', error } }
  await world.pass(0)
  expect(world.firing).toEqual(['MillraceStreamStopped load_users has stopped (DEAD_LETTER_LIMIT)'])
  expect(world.lines.join('')).not.toContain('ada')
})

test('a failed run is told until one succeeds; nothing is concluded while one runs, or the store is away', async () => {
  const world = await World.open(null)
  world.lastRun = { ...run, state: 'failed' }
  await world.pass(0)
  expect(world.firing).toEqual(['MillraceRunFailed daily: run manual__1 failed'])
  world.lastRun = { ...run, runId: 'manual__2', state: 'running' }
  await world.pass(120)
  world.lastRun = 'away'
  await world.pass(120)
  expect(world.firing).toHaveLength(1)
  world.lastRun = { ...run, runId: 'manual__2' }
  await world.pass(60)
  expect(world.firing).toEqual([])
})

test('a part that does not answer is told after half a minute', async () => {
  const world = await World.open(null)
  world.part = { ...world.part, state: 'failed' }
  await world.pass(25)
  expect(world.firing).toEqual([])
  await world.pass(10)
  expect(world.firing).toEqual(['MillracePartFailed kafka does not answer'])
})

test('rules are switched off, for all or for one stream', async () => {
  const rules = { deadLetters: false, stopped: false, runFailed: false, partFailed: false, stalled: false }
  const world = await World.open(null, { rules: { ...rules, lag: { records: 1, for: '0s' } }, streams: { load_users: { lag: false } } })
  const error = { code: 'DEAD_LETTER_LIMIT' as const, message: '', retriable: false }
  world.stream = { ...running, deadLetters: 5, lag: 9, state: { is: 'stopped', error } }
  world.flow = { ...flow, lag: 9 }
  world.part = { ...world.part, state: 'failed' }
  world.lastRun = { ...run, state: 'failed' }
  await world.pass(400)
  expect(world.firing).toEqual([])
})

test('while the webhook fails nothing waits, and what is over by then is told once, as resolved', async () => {
  await using receiver = await startWebhookReceiver()
  const world = await World.open(receiver)
  receiver.answers.push(503)
  world.lastRun = { ...run, state: 'failed' }
  await world.watch.look()
  await arrived(receiver, 1)
  await vi.waitFor(() => expect(world.watch.view().webhook).toMatchObject({ waiting: 1, failed: 1, lastError: 'it answered 503' }))
  world.lastRun = run
  await world.watch.look()
  receiver.answers.push(...Array.from({ length: 100 }, () => 503))
  await world.pass(60)
  // The one that was on its way when the cause went.
  await vi.waitFor(() => expect([receiver.received.length, world.watch.view().webhook.failed]).toEqual([2, 2]))
  receiver.answers.length = 0
  await vi.waitFor(() => {
    world.clock.advance(60_000)
    expect(world.watch.view().webhook).toMatchObject({ waiting: 0, delivered: 1, lastError: null })
  })
  expect(receiver.received.at(-1)?.body.status).toBe('resolved')
  expect(world.lines.join('')).not.toContain('s3cret')
  expect(world.lines.join('')).toContain('was not delivered to the webhook: it answered 503')
})

test('what was not delivered before a stop is delivered after the next start', async () => {
  await using receiver = await startWebhookReceiver()
  const world = await World.open(receiver)
  receiver.answers.push(500)
  world.lastRun = { ...run, state: 'failed' }
  await world.watch.look()
  await vi.waitFor(() => expect(world.watch.view().webhook.failed).toBe(1))
  await world.watch.close()
  world.restart().start()
  expect(await arrived(receiver, 2)).toEqual(['firing MillraceRunFailed', 'firing MillraceRunFailed'])
  await vi.waitFor(() => expect(world.watch.view().webhook).toMatchObject({ waiting: 0, delivered: 1 }))
  await world.watch.close()
})

test('a file of alerts that cannot be read is as none', async () => {
  const world = await World.open(null)
  writeFileSync(join(world.dataDir, 'alerts.json'), '{"v":1,"firing":[{"key":')
  world.restart()
  expect(world.firing).toEqual([])
  expect(world.lines.join('')).toContain('alerts.json cannot be read')
})

test('a trial is sent at once, and without a webhook says what to do', async () => {
  await using receiver = await startWebhookReceiver()
  const never = new AbortController().signal
  expect(await (await World.open(receiver)).watch.test(never)).toMatchObject({ status: 200, error: null, body: 'taken' })
  expect(receiver.received[0]?.body.commonAnnotations.summary).toBe('This is a test: nothing is wrong')
  await expect((await World.open(null)).watch.test(never)).rejects.toThrow('There is no webhook: set alerts.webhook')
})
