import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DeadLetterDetail, DeadLetterView, RunView, StatusView } from '../../src/core/index.ts'
import { eventually, run, runJson, runJsonLines, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { idsInTable } from '../harness/users.ts'

let project: TestProject
const started: Started[] = []

async function startWithUsers(): Promise<{ millrace: Started; user: Record<string, unknown> }> {
  const millrace = startMillrace(project)
  started.push(millrace)
  await millrace.until(/in table/)
  await eventually(
    () => runJson<RunView[]>(project, ['runs', 'user_automation']),
    (runs) => runs[0]?.state === 'success',
    60_000,
  )
  const [good] = runJsonLines<{ key: string; value: string }>(project, ['consume', 'users_created', '--limit', '1'])
  return { millrace, user: JSON.parse(good?.value ?? '{}') }
}

beforeEach(() => {
  project = createProject("every: '20ms', pages: 2")
})
afterEach(async () => {
  for (const millrace of started.splice(0)) await millrace[Symbol.asyncDispose]()
  project.remove()
})

const letters = (state: string): DeadLetterView[] => runJson(project, ['dlq', 'list', '--state', state])
const openOnes = (count: number): Promise<DeadLetterView[]> =>
  eventually(
    () => letters('open'),
    (all) => all.length === count,
  )
const openInStatus = (): number | null | undefined => runJson<StatusView>(project, ['status']).flows[0]?.deadLetters
const idOf = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`

test('a poison record is seen, edited and replayed, and its row lands, through a kill -9', { timeout: 240_000 }, async () => {
  const { millrace, user } = await startWithUsers()
  const rows = idsInTable(project).length
  run(project, ['produce', 'users_created', '--raw', '--key', idOf(1), '--value', 'poison'])
  run(project, ['produce', 'users_created', '--raw', '--key', idOf(2), '--value', 'more poison'])
  const [first, second] = await openOnes(2)
  expect(first).toMatchObject({ key: idOf(1), value: 'poison', stage: 'decode', state: 'open', replays: 0, settled: null })
  expect(openInStatus()).toBe(2)

  // As it is, it fails again, and keeps its count.
  expect(run(project, ['dlq', 'replay', 'load_users', first?.id ?? '']).stdout).toContain('1 replayed')
  const again = (await openOnes(2)).find(({ key }) => key === idOf(1))
  expect(again).toMatchObject({ replays: 1, replayOf: first?.id, topic: first?.topic, partition: first?.partition, offset: first?.offset })
  const shown = runJson<DeadLetterDetail>(project, ['dlq', 'show', 'load_users', first?.id ?? ''])
  expect(shown).toMatchObject({ state: 'replayed', landed: 'failed', failedAs: again?.id })
  // Twice changes nothing.
  expect(run(project, ['dlq', 'replay', 'load_users', first?.id ?? '']).stdout).toMatch(/already replayed at \S+ by owner/)
  expect(run(project, ['dlq', 'discard', 'load_users', first?.id ?? '']).stdout).toMatch(/already replayed/)

  expect(letters('failed-again').map(({ id }) => id)).toEqual([again?.id])
  const value = JSON.stringify({ ...user, id: idOf(1) })
  run(project, ['dlq', 'replay', 'load_users', again?.id ?? '', '--value', value])
  await millrace.killTree()
  started.push(startMillrace(project))
  await started[1]?.until(/in table/)
  await eventually(
    () => idsInTable(project),
    (ids) => ids.includes(idOf(1)) && ids.length === rows + 1,
  )
  await eventually(
    () => runJson<DeadLetterDetail>(project, ['dlq', 'show', 'load_users', again?.id ?? '']).landed,
    (landed) => landed === 'processed',
  )
  expect(openInStatus()).toBe(1)
  run(project, ['dlq', 'discard', 'load_users', second?.id ?? ''])
  expect(openInStatus()).toBe(0)
  expect(letters('open')).toEqual([])
  expect(letters('all').map(({ state }) => state)).toEqual(['replayed', 'discarded', 'replayed'])
})

test('a newer version of its row wins over a replay, and a fix file repairs many', { timeout: 240_000 }, async () => {
  const { user } = await startWithUsers()
  const rows = idsInTable(project).length
  for (const n of [1, 2, 3]) run(project, ['produce', 'users_created', '--raw', '--key', idOf(n), '--value', `poison ${n}`])
  await openOnes(3)
  run(project, ['produce', 'users_created', '--key', idOf(1), '--value', JSON.stringify({ ...user, id: idOf(1), first_name: 'Newer' })])
  await eventually(
    () => idsInTable(project),
    (ids) => ids.includes(idOf(1)),
  )
  const fix = join(project.dir, 'fix.ts')
  writeFileSync(
    fix,
    `import type { KeyLike } from 'node:crypto'
const user: Record<string, unknown> = ${JSON.stringify(user)}
export default (value: unknown, letter: { key: string | null }): unknown =>
  value === 'poison 3' ? null : { ...user, id: letter.key, first_name: 'Fixed' }
export type Unused = KeyLike
`,
  )
  const replay = ['dlq', 'replay', 'load_users', '--all', '--reason', 'decode', '--map', fix]
  expect(run(project, [...replay, '--dry-run']).stdout).toContain('2 would be replayed, 1 left; nothing was changed')
  expect(letters('open')).toHaveLength(3)
  expect(run(project, [...replay, '--rate', '50']).stdout).toContain('2 replayed, 1 left as they are')
  await eventually(
    () => idsInTable(project).length,
    (count) => count === rows + 2,
  )
  await openOnes(1)
  const name = (n: number): string =>
    run(project, ['query', `SELECT first_name FROM spark_streams.created_users WHERE id = ${idOf(n)}`]).stdout
  expect(name(2)).toContain('Fixed')
  expect(name(1)).toContain('Newer')
})
