import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DoctorReport, ResetView, RunView, StatusView } from '../../src/core/index.ts'
import { createApiClient, readApiAddress, type AuditView } from '../../src/api-client/index.ts'
import { eventually, run, runJson, runJsonLines, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { judgeSourceReset, judgeStreamReset, resetJudge, runsEnded } from '../harness/reset.ts'
import { idsInTable, idsInTopic } from '../harness/users.ts'

let project: TestProject
const started: Started[] = []
const start = async (args?: readonly string[]): Promise<Started> => {
  const millrace = startMillrace(project, args ? { args } : {})
  started.push(millrace)
  await millrace.until(/in table/, 120_000)
  return millrace
}

beforeEach(() => {
  project = createProject("every: '20ms', pages: 12")
})
afterEach(async () => {
  for (const millrace of started.splice(0)) await millrace[Symbol.asyncDispose]()
  project.remove()
})

test(
  'a table is filled again from its topic, over what is there, and what is newer in the topic stays newer',
  { timeout: 600_000 },
  async () => {
    await start()
    await runsEnded(project, 1)
    await judgeStreamReset(project)
    const entries = runJson<AuditView[]>(project, ['audit']).filter(({ action }) => action === 'stream.reset')
    expect(entries).toHaveLength(2)
    expect(entries[0]).toMatchObject({ who: 'owner', target: 'load_users', outcome: 'done', after: { to: 'earliest', again: 13 } })
  },
)

test('a source that is reset begins at its first page, and not while a run of it is at work', { timeout: 600_000 }, async () => {
  const millrace = await start()
  await runsEnded(project, 1)
  await judgeSourceReset(project, 2)
  project.edit((code) => code.replace('pages: 12', 'pages: 100000'))
  expect(await millrace.stop()).toBe(0)
  await start([])
  run(project, ['trigger', 'user_automation'])
  await eventually(
    () => runJson<RunView[]>(project, ['runs', 'user_automation'])[0]?.state,
    (state) => state === 'running',
    90_000,
  )
  const refused = run(project, ['reset', '--source', 'random_user', '--yes'])
  expect(refused).toMatchObject({
    code: 75,
    stderr: expect.stringMatching(/read by run .* of DAG user_automation \(running\)|A page of source/),
  })
})

test(
  'a stream that stopped is set behind what it stopped at; what it skips is counted, and needs a word of its own',
  { timeout: 600_000 },
  async () => {
    await start()
    await runsEnded(project, 1)
    await resetJudge(project).caughtUp()
    const rows = idsInTable(project).length
    const [user] = runJsonLines<{ key: string; value: string }>(project, ['consume', 'users_created', '--limit', '1'])
    const poison = Array.from({ length: 2_000 }, (_, i) => `poison ${i}`).join('\n')
    expect(run(project, ['produce', 'users_created', '--raw', '--partition', '0', '--key', 'k'], { input: poison }).code).toBe(0)
    const state = (): StatusView['streams'][number]['state'] | undefined => runJson<StatusView>(project, ['status']).streams[0]?.state
    const stopped = await eventually(state, (found) => found?.is === 'stopped', 90_000)
    expect(stopped).toMatchObject({ is: 'stopped', error: { code: 'DEAD_LETTER_LIMIT' } })

    const plan = resetJudge(project).plan(['reset', 'load_users', '--to', 'latest'])
    expect(plan.partitions).toMatchObject([{ partition: 0, again: 0 }])
    expect(plan.skipped).toBeGreaterThan(0)
    expect(plan.skipped).toBeLessThanOrEqual(2_000)
    const unsaid = run(project, ['reset', 'load_users', '--to', 'latest'])
    expect(unsaid).toMatchObject({ code: 64, stderr: expect.stringMatching(/never reads [\d,]+ records\. Do it\?/) })
    expect(state()).toMatchObject({ is: 'stopped' })
    expect(run(project, ['replay', 'load_users', '--from', '99999', '--yes'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('nothing to replay'),
    })
    expect(runJson<ResetView>(project, ['reset', 'load_users', '--to', 'latest', '--yes']).skipped).toBe(plan.skipped)
    const id = '00000000-0000-4000-8000-000000000001'
    const value = JSON.stringify({ ...(JSON.parse(user?.value ?? '{}') as object), id })
    run(project, ['produce', 'users_created', '--key', id, '--value', value])
    await eventually(
      () => idsInTable(project),
      (ids) => ids.includes(id) && ids.length === rows + 1,
      90_000,
    )
    await eventually(state, (found) => found?.is === 'running', 90_000)
  },
)

test('a stream whose records retention has taken says how it goes on, and goes on', { timeout: 600_000 }, async () => {
  const millrace = await start()
  await runsEnded(project, 1)
  await resetJudge(project).caughtUp()
  const [held] = resetJudge(project).plan(['reset', 'load_users', '--to', 'earliest']).partitions
  const partition = String(held?.partition)
  const poison = Array.from({ length: 2_000 }, (_, i) => `poison ${i}`).join('\n')
  run(project, ['produce', 'users_created', '--raw', '--partition', partition, '--key', 'k'], { input: poison })
  const state = (): StatusView['streams'][number]['state'] | undefined => runJson<StatusView>(project, ['status']).streams[0]?.state
  await eventually(state, (found) => found?.is === 'stopped', 90_000)
  expect(run(project, ['topics', 'delete-records', 'users_created', '--partition', partition, '--yes']).code).toBe(0)
  expect(await millrace.stop()).toBe(0)
  await start([])
  const stopped = await eventually(state, (found) => found?.is === 'stopped', 90_000)
  const cure = `millrace reset load_users --to earliest --partition ${partition}`
  expect(stopped).toMatchObject({ error: { code: 'OFFSET_OUT_OF_RANGE', message: expect.stringContaining(cure) } })

  const [move] = resetJudge(project).plan(['reset', 'load_users', '--to', 'earliest', '--partition', partition]).partitions
  expect(move).toMatchObject({ again: 0, skipped: 0, note: expect.stringMatching(/^offsets \d+ to \d+ are in the log no more$/) })
  expect(run(project, ['reset', 'load_users', '--to', 'earliest', '--partition', partition, '--yes']).code).toBe(0)
  await eventually(state, (found) => found?.is === 'running', 90_000)
  await eventually(
    () => runJson<DoctorReport>(project, ['doctor']),
    ({ healthy }) => healthy,
    90_000,
  )
})

test(
  'killed in the middle of a reset, the stream goes on from the old offsets or the new ones, and the table is whole',
  { timeout: 600_000 },
  async () => {
    await start()
    await runsEnded(project, 1)
    await resetJudge(project).caughtUp()
    const users = idsInTopic(project)
    for (const atMs of [0, 30, 120]) {
      const running = started.at(-1)
      const client = createApiClient(readApiAddress(project.dataDir)?.socket ?? '')
      const asked = client.resetStream('load_users', { to: 'earliest', skip: false }).catch(() => null)
      await new Promise((resolve) => setTimeout(resolve, atMs))
      await running?.killTree()
      await asked
      await start([])
      await resetJudge(project).caughtUp()
      expect(idsInTable(project).toSorted()).toEqual(users.toSorted())
    }
    await eventually(
      () => runJson<StatusView>(project, ['status']).streams[0]?.state,
      (state) => state?.is === 'running',
      90_000,
    )
  },
)

test('bad places are told with what to write', { timeout: 600_000 }, async () => {
  const millrace = await start()
  await runsEnded(project, 1)
  await resetJudge(project).caughtUp()
  const says = (args: readonly string[]): string => run(project, args).stderr
  expect(says(['reset'])).toContain('Name one thing')
  expect(says(['reset', 'load_users', '--source', 'random_user'])).toContain('Name one thing')
  expect(says(['reset', 'nothing'])).toContain('there are: load_users')
  expect(says(['reset', 'load_users', '--to', 'tomorrow'])).toContain('write earliest, latest, an offset')
  expect(says(['reset', 'load_users', '--to', '2026-01-31T12:00:00'])).toContain('a time with its zone')
  expect(says(['reset', 'load_users', '--partition', '77'])).toContain('it has 0 to 5')
  expect(says(['reset', 'load_users', '--partition', '1.5'])).toContain('--partition 1.5: write a whole number')
  expect(says(['reset', '--source', 'nobody', '--yes'])).toContain('Sources with one: random_user')
  expect(says(['reset', '--source', 'random_user', '--to', 'latest'])).toContain('leave out --to')
  expect(says(['replay', 'load_users', '--from', 'latest'])).toContain('nothing to replay')
  expect(says(['replay', 'load_users', '--from', 'earliest', '--until', '5', '--no-wait'])).toContain('leave out --no-wait')
  expect(says(['replay', 'load_users', '--from', '1', '--until', '1', '--yes'])).toContain('is not behind --from 1')
  const beyond = runJson<ResetView>(project, ['reset', 'load_users', '--to', '999999', '--dry-run'])
  expect(beyond).toMatchObject({ partitions: [], skipped: 0 })
  expect(await millrace.stop()).toBe(0)
  expect(says(['reset', 'load_users', '--yes'])).toContain('its Kafka runs inside it: start it')
})
