import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startWebhookReceiver, type WebhookReceiver } from '../../src/runtime/alerts/testing/webhook-receiver.ts'
import { apiOf } from '../harness/ask.ts'
import { fencedBlocks, readDocument, shellCommands, shellWords } from '../harness/documents.ts'
import { bin, eventually, run, startMillrace } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

const page = readDocument('docs/alerts.md')
let project: TestProject
let receiver: WebhookReceiver

beforeEach(async () => {
  project = createProject("every: '20ms', pages: 10")
  receiver = await startWebhookReceiver()
  // The page's config as it stands, but for the rule that this test is about.
  const [config = ''] = fencedBlocks(page, 'ts')
  writeFileSync(join(project.dir, 'millrace.config.ts'), config.replace('runFailed: false', 'runFailed: true'))
})
afterEach(async () => {
  await receiver[Symbol.asyncDispose]()
  project.remove()
})

/** The page's example of a message, in which … stands for any text. */
function asInPage(example: unknown): unknown {
  if (typeof example === 'string')
    return example.includes('…') ? expect.stringMatching(new RegExp(`^${example.split('…').map(escaped).join('.+')}$`)) : example
  if (Array.isArray(example)) return example.map(asInPage)
  if (typeof example !== 'object' || example === null) return example
  return Object.fromEntries(Object.entries(example).map(([key, value]) => [key, asInPage(value)]))
}

/** What a command prints that has to succeed, while this process goes on: it is the receiver. */
const beside = async (args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [bin, '--project', project.dir, ...args])).stdout

const escaped = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')

test('docs/alerts.md: a failed run is told as the page says, once, over a restart too, and its end', { timeout: 240_000 }, async () => {
  project.edit((code) => code.replace('.map(toUser)', ".map(() => { throw new Error('no luck') })"))
  const env = { ALERTS_URL: receiver.url, ALERTS_AUTHORIZATION: 'Bearer t0ken', MILLRACE_ALERTS_RESOLVE_AFTER: '1s' }
  const lines: string[] = []
  {
    await using millrace = startMillrace(project, { env, args: [] })
    await millrace.until(/sign-in#/)
    for (const command of shellCommands(page)) {
      expect(await beside(shellWords(command).slice(1))).toMatch(/\S/)
    }
    const told = { host: new URL(receiver.url).host, status: 200, error: null, body: 'taken' }
    expect(JSON.parse(await beside(['--json', 'alerts', 'test']))).toEqual(told)
    expect(receiver.received.map(({ body }) => body.commonAnnotations.summary)).toEqual(
      Array.from({ length: 2 }, () => 'This is a test: nothing is wrong'),
    )
    expect(receiver.received[0]?.headers.authorization).toBe('Bearer t0ken')
    receiver.received.length = 0
    const { run: failing } = await apiOf(project).trigger('user_automation')
    await eventually(
      () => apiOf(project).run('user_automation', failing.runId),
      ({ state, tasks }) => state === 'failed' || tasks[0]?.state === 'up_for_retry',
    )
    await apiOf(project).cancelRun('user_automation', failing.runId, 'it fails')
    await eventually(
      () => Promise.resolve(receiver.received),
      (received) => received.length === 1,
    )
    expect(receiver.received[0]?.body).toEqual(asInPage(JSON.parse(fencedBlocks(page, 'json')[0] ?? '')))
    await eventually(
      () => apiOf(project).alerts(),
      ({ webhook }) => webhook.delivered === 1,
    )
    expect(run(project, ['status']).stdout).toMatch(/MillraceRunFailed +warning .* user_automation: run .* failed/)
    await millrace.stop()
    lines.push(readFileSync(join(project.dataDir, 'logs/millrace.log'), 'utf8'))
  }
  project.edit((code) => code.replace(".map(() => { throw new Error('no luck') })", '.map(toUser)'))
  await using millrace = startMillrace(project, { env, args: [] })
  await millrace.until(/sign-in#/)
  expect((await apiOf(project).alerts()).firing).toHaveLength(1)
  await apiOf(project).trigger('user_automation')
  await eventually(
    () => Promise.resolve(receiver.received),
    (received) => received.length === 2,
    120_000,
  )
  expect(receiver.received[1]?.body).toMatchObject({
    status: 'resolved',
    alerts: [{ startsAt: receiver.received[0]?.body.alerts[0]?.startsAt, fingerprint: receiver.received[0]?.body.alerts[0]?.fingerprint }],
  })
  await millrace.stop()
  lines.push(readFileSync(join(project.dataDir, 'logs/millrace.log'), 'utf8'))
  expect(lines.join('')).toContain('alert MillraceRunFailed firing')
  for (const secret of ['t0ken', 's3cret']) expect(lines.join('')).not.toContain(secret)
})
