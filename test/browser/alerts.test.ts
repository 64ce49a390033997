import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiOf } from '../harness/ask.ts'
import { eventually } from '../harness/millrace.ts'
import { findChromium } from './chromium.ts'
import { openConsole, type ConsoleUnderTest } from './console-under-test.ts'

describe.skipIf(findChromium() === null)('alerts in the console', () => {
  let console: ConsoleUnderTest
  beforeAll(async () => {
    console = await openConsole({ env: { MILLRACE_ALERTS_RESOLVE_AFTER: '0s' }, pace: "every: '20ms', pages: 3" })
  })
  afterAll(() => console[Symbol.asyncDispose]())

  test('the overview lists what fires among what needs attention, until it is over', async () => {
    const api = apiOf(console.project)
    const ended = async (runId: string): Promise<unknown> =>
      eventually(
        () => api.run('user_automation', runId),
        ({ endedAt }) => endedAt !== null,
      )
    const [first] = await api.runs()
    await ended(first?.runId ?? '')
    const { run } = await api.trigger('user_automation')
    await api.cancelRun('user_automation', run.runId, 'to see an alert')
    await console.goto('/')
    const alert = console.page.getByTestId('alert')
    await alert.waitFor()
    expect(await alert.innerText()).toMatch(/^MillraceRunFailed: user_automation: run .* failed\. Run "millrace runs user_automation"/)
    expect(await console.page.getByTestId('doctor').innerText()).toContain('This needs attention')
    await ended((await api.trigger('user_automation')).run.runId)
    await alert.waitFor({ state: 'detached' })
    expect(console.complaints).toEqual([])
  })
})
