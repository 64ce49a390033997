import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StatusView } from '../../src/core/index.ts'
import { apiOf } from '../harness/ask.ts'
import { childrenOf, eventually, roleOf, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { idsInTable, idsInTopic } from '../harness/users.ts'

/** How often each test is run; more by hand: MILLRACE_KILL_ROUNDS=20. */
const rounds = Array.from({ length: Number(process.env.MILLRACE_KILL_ROUNDS ?? 1) }, (_, round) => round + 1)

let project: TestProject
let millrace: Started

beforeEach(async () => {
  project = createProject("every: '20ms', pages: 120")
  await start()
})
afterEach(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

async function start(): Promise<void> {
  millrace = startMillrace(project)
  await millrace.until(/in table/)
}

const status = (): Promise<StatusView> => apiOf(project).status()
const inTable = ({ flows: [flow] }: StatusView): number => flow?.inTable ?? 0

async function runEnds(): Promise<void> {
  await eventually(
    () => apiOf(project).runs({ dag: 'user_automation' }),
    (runs) => runs[0]?.state === 'success',
    60_000,
  )
  await eventually(status, ({ flows: [flow] }) => flow?.lag === 0 && (flow.inTopic ?? 0) > 0, 60_000)
}

/** Every user in the topic is in the table, once; a retry may have repeated a page in the topic, under the same keys. */
function expectNothingLost(): void {
  const topic = new Set(idsInTopic(project))
  expect(idsInTable(project).toSorted()).toEqual([...topic].toSorted())
}

describe.each(rounds)('kill -9 while the job runs, round %i', () => {
  test('of the whole tree: the next start loses nothing and finishes the run', { timeout: 240_000 }, async () => {
    await eventually(status, (now) => inTable(now) > 10)
    const acknowledged = new Set(idsInTable(project))
    const children = childrenOf(millrace.pid)
    await millrace.killTree()
    await eventually(
      () => children.filter((pid) => roleOf(pid) !== null),
      (alive) => alive.length === 0,
    )
    await start()
    await runEnds()
    expectNothingLost()
    expect([...acknowledged].filter((id) => !new Set(idsInTable(project)).has(id))).toEqual([])
  })

  test('of the supervisor alone: its children end by themselves', { timeout: 240_000 }, async () => {
    await eventually(status, (now) => inTable(now) > 10)
    const children = childrenOf(millrace.pid)
    expect(
      children
        .map(roleOf)
        .filter((role) => role !== null)
        .toSorted(),
    ).toEqual(['streams', 'tasks'])
    process.kill(millrace.pid, 'SIGKILL')
    await eventually(
      () => children.filter((pid) => roleOf(pid) !== null),
      (alive) => alive.length === 0,
    )
    await start()
    await runEnds()
    expectNothingLost()
  })

  test.each(['streams', 'tasks'])('of the %s child: it is started again and the job goes on', { timeout: 240_000 }, async (role) => {
    await eventually(status, (now) => inTable(now) > 10)
    // A signal to none would be one to every process of the machine.
    const [child = expect.unreachable(`there is no ${role} child`)] = await eventually(
      () => childrenOf(millrace.pid).filter((pid) => roleOf(pid) === role),
      (pids) => pids.length > 0,
    )
    process.kill(child, 'SIGKILL')
    await runEnds()
    expectNothingLost()
    expect(millrace.process.exitCode).toBeNull()
  })
})
