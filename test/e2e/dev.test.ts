import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StatusView } from '../../src/core/index.ts'
import { eventually, run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

let project: TestProject
let millrace: Started

beforeEach(() => {
  project = createProject("every: '20ms', pages: 3")
  millrace = startMillrace(project, { command: 'dev' })
})
afterEach(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

async function rows(count: number): Promise<void> {
  await eventually(
    () => runJson<StatusView>(project, ['status']).flows[0],
    (flow) => flow?.inTable === count && flow.lag === 0,
  )
}

function addField(field: string, value: string): void {
  project.edit((code) => code.replace('  picture: z.url(),', `  picture: z.url(),\n  ${field}`).replace('    picture: picture.medium,', `    picture: picture.medium,\n    ${value}`)) // prettier-ignore
}

function removeField(field: string, value: string): void {
  project.edit((code) => code.replace(`\n  ${field}`, '').replace(`\n    ${value}`, ''))
}

test(
  'what is saved is taken up; a file that does not load, or an incompatible change, leaves what runs running',
  { timeout: 600_000 },
  async () => {
    await millrace.until(/files are watched/)
    await rows(3)

    addField('country: z.string().optional(),', 'country: location.country,')
    // It waits where a busy machine's Kafka takes longer than a person should wait untold.
    await millrace.until(/↻ schema v2 BACKWARD ok · created_users \+ country text · load_users (?:goes on|waits).* \(\d+\.\d s\)/)
    run(project, ['trigger', 'user_automation'])
    await rows(6)
    const countries = (): (string | null)[] =>
      runJson<{ rows: { country: string | null }[] }>(project, ['query', 'SELECT country FROM spark_streams.created_users']).rows.map(
        (row) => row.country,
      )
    expect(countries().filter((country) => country !== null)).toHaveLength(3)

    project.edit((code) => code.replace('export const loadUsers', 'export cnst loadUsers'))
    await millrace.until(/✗ users\.pipeline\.ts:\d+:\d+: .* — what was loaded before goes on/)
    expect(run(project, ['status']).stdout).toMatch(/pipeline files do not load: users\.pipeline\.ts:\d+/)
    run(project, ['trigger', 'user_automation'])
    await rows(9)

    project.edit((code) => code.replace('export cnst loadUsers', 'export const loadUsers'))
    await millrace.until(/↻ loads again, as it runs/)
    expect(runJson<StatusView>(project, ['status']).loadError).toBeNull()

    addField('city: z.string(),', 'city: location.city,')
    const [refused] = await millrace.until(/✗ users\.pipeline\.ts:\d+: .*field "city" is new and required.*/)
    expect(refused).toMatch(/users\.pipeline\.ts:17: .*write \.optional\(\)/)
    expect(run(project, ['query', 'SELECT city FROM spark_streams.created_users']).code).not.toBe(0)
    run(project, ['trigger', 'user_automation'])
    await rows(12)

    removeField('city: z.string(),', 'city: location.city,')
    addField('city: z.string().optional(),', 'city: location.city,')
    await millrace.until(/↻ schema v3 BACKWARD ok · created_users \+ city text · load_users (?:goes on|waits)/)
    run(project, ['trigger', 'user_automation'])
    await rows(15)
    await eventually(
      () => runJson<StatusView>(project, ['status']).flows[0],
      (flow) => flow?.inTopic === 15 && flow.inTable === 15 && flow.deadLetters === 0,
    )
    expect(await millrace.stop()).toBe(0)
  },
)

test(
  "for a debugger, tasks and streams say where they listen, and breakpoints stand in the author's lines",
  { timeout: 600_000 },
  async () => {
    await millrace[Symbol.asyncDispose]()
    millrace = startMillrace(project, { command: 'dev', args: ['--inspect', '--trigger-once', 'user_automation'] })
    for (const role of ['tasks', 'streams']) {
      const [, address] = await millrace.until(new RegExp(`debugger   ${role}: attach to (127\\.0\\.0\\.1:\\d+)`))
      const [target] = (await (await fetch(`http://${address}/json/list`)).json()) as { webSocketDebuggerUrl: string }[]
      expect(target?.webSocketDebuggerUrl).toContain(address)
    }
    await rows(3)
  },
)

test('one task runs in this terminal, beside what runs: its log, its exit code, and no run', { timeout: 600_000 }, async () => {
  await millrace.until(/files are watched/)
  await rows(3)
  project.edit((code) => code.replace('streamDataFromApi()\n', `streamDataFromApi()\nuserAutomation.task('say', (ctx) => { console.log('day ' + ctx.params['day']); if (ctx.params['day'] === 'never') throw new Error('no such day') })()\n`)) // prettier-ignore
  await millrace.until(/↻ user_automation changed/)
  const said = run(project, ['task', 'run', 'user_automation', 'say', '--params', '{"day":"today"}'])
  expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/day today\nok/) })
  const failed = run(project, ['task', 'run', 'user_automation', 'say', '--params', '{"day":"never"}'])
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('no such day') })
  expect(run(project, ['task', 'run', 'user_automation', 'other'])).toMatchObject({ code: 66, stderr: expect.stringContaining('say') })
  expect(run(project, ['task', 'run', 'user_automation', 'stream_data_from_api'])).toMatchObject({ code: 0 })
  await eventually(
    () => runJson<StatusView>(project, ['status']).flows[0],
    (flow) => (flow?.inTable ?? 0) > 3,
  )
  expect(runJson<unknown[]>(project, ['runs', 'user_automation'])).toHaveLength(1)
})
