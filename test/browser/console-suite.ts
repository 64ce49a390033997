import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunView } from '../../src/core/index.ts'
import {
  addresses,
  cqlshRows,
  kcatLines,
  openConsole,
  produceByKcat,
  type ConsoleOptions,
  type ConsoleUnderTest,
} from './console-under-test.ts'
import { judgeDeadLetters } from './dead-letters-suite.ts'
import { judgeOf, partitionEnds } from './judge.ts'
import { judgeAfterKills } from './kills-suite.ts'

/** What each page is for, done by hand; what it shows then, beside what kcat, cqlsh and the command line say at that moment. */
export function judgeConsole(options: () => ConsoleOptions): void {
  let console: ConsoleUnderTest
  let page: Page
  const judge = judgeOf(() => console)
  const { rowsAre, text, says, recordsInTopic, rowsInTable } = judge

  beforeAll(async () => {
    console = await openConsole(options())
    ;({ page } = console)
    await rowsAre(30)
  }, 300_000)
  afterAll(async () => {
    await console[Symbol.asyncDispose]()
  })

  test('the overview shows what kcat and cqlsh count', async () => {
    await console.goto('/')
    const [inTopic, inTable] = [recordsInTopic(), rowsInTable()]
    expect([inTopic, inTable]).toEqual([30, 30])
    await says('in-topic', String(inTopic))
    await says('in-table', String(inTable))
    await says('fetched', '30')
    await says('lag', 'lag 0')
    await says('dead-letters', '0 dead letters')
    expect(await text('doctor')).toMatch(/All is well/)
    for (const { name, state, address } of console.status().parts) {
      const row = await text(`part-${name}`)
      expect(row.toLowerCase()).toContain(state)
      expect(row).toContain(address)
    }
  })

  test('a click on a stop shows the last of it', async () => {
    await console.goto('/')
    const newest = kcatLines(['-b', addresses(console).kafka, '-C', '-t', 'users_created', '-e', '-q', '-f', '%T %k\n'])
      .toSorted()
      .at(-1)
    await page.getByRole('button', { name: /^topic users_created/ }).click()
    await page
      .getByText(newest?.split(' ')[1] ?? '')
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: /^table spark_streams.created_users/ }).click()
    const [id = ''] = cqlshRows(addresses(console).cassandra, 'SELECT id FROM spark_streams.created_users LIMIT 1')
    await page.getByText(id).first().waitFor()
  })

  test('a DAG is triggered, its log comes in as it runs, and the counts follow', async () => {
    await console.goto('/dags')
    const before = console.cliJson<RunView[]>('runs').length
    await says('run-count', String(before))
    await page.getByRole('button', { name: 'Trigger' }).click()
    await page.getByRole('button', { name: 'Trigger now' }).click()
    await page.waitForURL(/\/dags\/user_automation\/runs\//)
    await page
      .getByText(/page \d+: 1 fetched/)
      .first()
      .waitFor()
    await page.getByText(/· complete/).waitFor({ timeout: 60_000 })
    const runs = console.cliJson<RunView[]>('runs')
    expect(runs).toHaveLength(before + 1)
    await page.getByRole('heading', { name: runs[0]?.runId ?? '', exact: true }).waitFor()
    await says('task-stream_data_from_api', /success/i)
    await rowsAre(60)
    await console.goto('/')
    await says('in-table', String(rowsInTable()))
    await says('in-topic', String(recordsInTopic()))
  })

  test('a DAG is paused and goes on', async () => {
    await console.goto('/dags')
    const paused = (): boolean | undefined =>
      console.cliJson<{ id: string; paused: boolean }[]>('dags').find(({ id }) => id === 'user_automation')?.paused
    await page.getByLabel('user_automation is on').click({ force: true })
    await page.getByLabel('user_automation is paused').waitFor()
    expect(paused()).toBe(true)
    await page.getByLabel('user_automation is paused').click({ force: true })
    await page.getByLabel('user_automation is on').waitFor()
    expect(paused()).toBe(false)
  })

  test('a topic’s partitions and newest records are those that kcat reads', async () => {
    await console.goto('/topics/users_created?tab=partitions')
    for (const [partition, end] of partitionEnds(addresses(console).kafka).entries())
      expect(await page.getByTestId(`partition-${partition}`).getByTestId('end').innerText()).toBe(end)
    await console.goto('/topics/users_created')
    const keys = kcatLines(['-b', addresses(console).kafka, '-C', '-t', 'users_created', '-e', '-q', '-f', '%T %p:%o %k\n'])
      .toSorted()
      .slice(-5)
    for (const line of keys) {
      const [, at = '', key = ''] = line.split(' ')
      await page.getByTestId(`record-${at}`).getByText(key).first().waitFor()
    }
  })

  test('what kcat produces appears in the live view as text, and what is produced by hand kcat reads', async () => {
    const { kafka } = addresses(console)
    expect(console.cli('topics', 'create', 'judged', '--partitions', '1').code).toBe(0)
    await console.goto('/topics/judged?tab=live')
    await says('live-state', /^live/)
    const script = `<img src=x onerror="document.title='taken over'">`
    produceByKcat(kafka, 'judged', 'k1', script)
    await page.getByTestId('record-0:0').getByText(script).waitFor()
    expect(await page.title()).toBe('judged · Millrace')
    expect(await page.locator('img[src="x"]').count()).toBe(0)
    await page.getByRole('tab', { name: 'Produce' }).click()
    await page.getByRole('textbox', { name: 'Key' }).fill('k2')
    await page.getByText('a text, as it is').click()
    await page.getByRole('textbox', { name: 'Value' }).fill('by hand')
    await page.getByRole('button', { name: 'Produce', exact: true }).click()
    await says('produced', 'Produced to partition 0 at offset 1')
    expect(kcatLines(['-b', kafka, '-C', '-t', 'judged', '-e', '-q', '-f', '%o %k %s\n'])).toEqual([`0 k1 ${script}`, '1 k2 by hand'])
  })

  test('search says how much it looked at, and finds by key', async () => {
    await console.goto('/topics/users_created?tab=search&find=nothing-has-this-text')
    await says('search-state', 'scanned 60 of 60 · 0 hits · that is all')
    const [key = ''] = kcatLines(['-b', addresses(console).kafka, '-C', '-t', 'users_created', '-e', '-q', '-f', '%k\n', '-c', '1'])
    await page.getByLabel('Text').fill(key.slice(0, 13))
    await page.getByRole('button', { name: 'Search' }).click()
    await says('search-state', /· 1 hits · that is all/)
    await page.getByText(key).first().waitFor()
  })

  test('a table’s rows are those that cqlsh reads, and one is found by its key', async () => {
    await console.goto('/tables/spark_streams/created_users')
    await says('row-count', `${rowsInTable()} rows`)
    await says('rows-shown', `${rowsInTable()} rows shown`)
    const [row = ''] = cqlshRows(addresses(console).cassandra, 'SELECT id, username FROM spark_streams.created_users LIMIT 1')
    const [id = '', username = ''] = row.split('|').map((cell) => cell.trim())
    await page.getByLabel('id', { exact: true }).fill(id)
    await page.getByRole('button', { name: 'Find by key' }).click()
    await says('rows-shown', '1 row shown')
    await page.getByRole('cell', { name: username, exact: true }).waitFor()
    expect(page.url()).toContain(encodeURIComponent(id))
  })

  test('a CQL statement answers what cqlsh answers, and an error says where', async () => {
    await console.goto('/cql')
    await page.getByLabel('Statement').fill('SELECT count(*) FROM spark_streams.created_users')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('cell', { name: String(rowsInTable()), exact: true }).waitFor()
    await page.getByLabel('Statement').fill('SELECT nothing FROM spark_streams.created_users')
    await page.getByRole('button', { name: 'Run' }).click()
    await page
      .getByRole('alert')
      .getByText(/nothing/)
      .waitFor()
  })

  test('a record is followed from its run to its row', async () => {
    const [key = ''] = kcatLines(['-b', addresses(console).kafka, '-C', '-t', 'users_created', '-e', '-q', '-f', '%k\n', '-c', '1'])
    await console.goto(`/follow?key=${key}`)
    await page.getByText(/fetched by run .*, attempt 1, page \d+/).waitFor()
    await page.getByText('load_users has read it').waitFor()
    expect(await text('row')).toContain(key)
    await console.goto('/follow?key=nobody')
    await page.getByText('No record of this key').waitFor()
    await page.getByTestId('no-row').waitFor()
  })

  judgeDeadLetters(judge)
  judgeAfterKills(judge)

  test('no page complained', () => {
    expect(console.complaints).toEqual([])
  })
}
