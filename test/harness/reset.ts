import { expect } from 'vitest'
import type { ResetView, RunView, SourceCursorView, StatusView } from '../../src/core/index.ts'
import { eventually, run, runJson, runJsonLines } from './millrace.ts'
import type { TestProject } from './project.ts'
import { idsInTable, idsInTopic } from './users.ts'

/** Limits are there to end what hangs, on a busy machine too. */
const limitMs = 90_000
const table = 'spark_streams.created_users'

/** What `reset` and `replay` do to the reference job, the same on embedded and on real systems. All of it by commands, as a user has them. */
export interface ResetJudge {
  /** The stream has read all, and each user of the topic is in the table once. */
  caughtUp(): Promise<void>
  plan(args: readonly string[]): ResetView & { dryRun: boolean }
  firstName(id: string): string
}

export function resetJudge(project: TestProject): ResetJudge {
  const lag = (): number | null | undefined => runJson<StatusView>(project, ['status']).flows[0]?.lag
  return {
    caughtUp: async () => {
      await eventually(lag, (left) => left === 0, limitMs)
      const inTopic = [...new Set(idsInTopic(project))].toSorted()
      await eventually(
        () => idsInTable(project).toSorted(),
        (ids) => JSON.stringify(ids) === JSON.stringify(inTopic),
        limitMs,
      )
    },
    plan: (args) => runJson(project, [...args, '--dry-run']),
    firstName: (id) =>
      runJson<{ rows: { first_name: string }[] }>(project, ['query', `SELECT first_name FROM ${table} WHERE id = ${id}`]).rows[0]
        ?.first_name ?? '',
  }
}

export async function runsEnded(project: TestProject, count: number): Promise<RunView[]> {
  return eventually(
    () => runJson<RunView[]>(project, ['runs', 'user_automation']),
    (runs) => runs.length === count && runs.every(({ state }) => state === 'success'),
    limitMs,
  )
}

/** Rows come back after a truncation, none doubled; what is newer in the topic is what the table holds. */
export async function judgeStreamReset(project: TestProject): Promise<void> {
  const judge = resetJudge(project)
  await judge.caughtUp()
  const users = idsInTopic(project)
  const [first] = runJsonLines<{ key: string; value: string }>(project, ['consume', 'users_created', '--limit', '1'])
  const id = first?.key ?? ''
  const changed = { ...(JSON.parse(first?.value ?? '{}') as object), first_name: 'Changed' }
  expect(run(project, ['produce', 'users_created', '--key', id, '--value', JSON.stringify(changed)]).code).toBe(0)
  await eventually(
    () => judge.firstName(id),
    (name) => name === 'Changed',
    limitMs,
  )
  await judge.caughtUp()

  const plan = judge.plan(['reset', 'load_users', '--to', 'earliest'])
  expect(plan).toMatchObject({ again: users.length + 1, skipped: 0, isExact: true, dryRun: true })
  // A row that somebody has written by hand since: what the topic says wins again.
  run(project, ['query', `UPDATE ${table} SET first_name = 'By hand' WHERE id = ${id}`])
  const asked = run(project, ['reset', 'load_users', '--to', 'earliest'])
  expect(asked).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/stops, goes on at earliest .*reads 1?\d+ records again\. Do it\? Say so with --yes/),
  })
  run(project, ['query', `TRUNCATE ${table}`])
  expect(idsInTable(project)).toEqual([])
  const done = run(project, ['replay', 'load_users', '--from', 'earliest', '--yes'])
  expect(done).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`has caught up to where it was: ${users.length + 1} records read again`),
  })
  await judge.caughtUp()
  expect(judge.firstName(id)).toBe('Changed')

  // Without a truncation: over the rows that are there, and over what was written by hand.
  run(project, ['query', `UPDATE ${table} SET first_name = 'By hand' WHERE id = ${id}`])
  expect(judge.firstName(id)).toBe('By hand')
  expect(runJson<ResetView>(project, ['reset', 'load_users', '--yes'])).toMatchObject({ again: users.length + 1 })
  await eventually(
    () => judge.firstName(id),
    (name) => name === 'Changed',
    limitMs,
  )
  await judge.caughtUp()
}

/** The next run of a source that was reset begins at its first page again. */
export async function judgeSourceReset(project: TestProject, runs: number): Promise<void> {
  const judge = resetJudge(project)
  await judge.caughtUp()
  const before = idsInTopic(project)
  const shown = runJson<SourceCursorView & { dryRun: boolean }>(project, ['reset', '--source', 'random_user', '--dry-run'])
  expect(shown).toMatchObject({ source: 'random_user', fetched: new Set(before).size, dryRun: true })
  expect(runJson<SourceCursorView>(project, ['reset', '--source', 'random_user', '--yes'])).toMatchObject({
    cursor: shown.cursor,
    run: shown.run,
  })
  run(project, ['trigger', 'user_automation'])
  await runsEnded(project, runs)
  await judge.caughtUp()
  const after = idsInTopic(project)
  expect(after).toHaveLength(before.length + shown.fetched)
  expect(new Set(after)).toEqual(new Set(before))
}
