import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeadLetterDetail, DeadLetterView } from '../../src/core/index.ts'
import { eventually } from '../harness/millrace.ts'
import { findChromium } from './chromium.ts'
import { openConsole, patienceMs, type ConsoleUnderTest } from './console-under-test.ts'
import { poisonKey } from './dead-letters-suite.ts'
import { lookAround, type Look } from './looking.ts'

const values = [
  'poison',
  'poison that is repaired',
  'poison that is discarded',
  JSON.stringify({ id: poisonKey(4), first_name: 'Not Avro', last_name: 'x'.repeat(400) }),
  `<script>document.title = 'taken over'</script>`,
]

const editing = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Edit the value' }).click()
  await page.getByLabel('Value to replay').scrollIntoViewIfNeeded()
}
const toEnd = (testId: string) => (page: Page) => page.getByTestId(testId).scrollIntoViewIfNeeded()

/** `{1}`: the first letter of the first value; `{failed}` the one that it is now. */
type Act = (page: Page) => Promise<void>
const states: [name: string, path: string, act?: Act][] = [
  ['letters open', '/dead-letters'],
  ['letters of all states', '/dead-letters?state=all'],
  ['letters none matches', '/dead-letters?reason=sink'],
  ['letters chosen', '/dead-letters', (page) => page.getByLabel('Choose all that are shown').click()],
  [
    'letters asked about',
    '/dead-letters',
    async (page) => {
      await page.getByRole('button', { name: 'Discard all that match' }).click()
      await page.getByTestId('settle-size').waitFor()
    },
  ],
  ['letter open', '/dead-letters?letter=load_users/{4}'],
  [
    'letter bytes',
    '/dead-letters?letter=load_users/{4}',
    (page) => page.getByRole('region', { name: 'Value' }).getByText('Bytes', { exact: true }).click(),
  ],
  ['letter edited', '/dead-letters?letter=load_users/{4}', editing],
  [
    'letter edited badly',
    '/dead-letters?letter=load_users/{4}',
    async (page) => {
      await editing(page)
      await page.getByLabel('Value to replay').fill('{ "id": ')
    },
  ],
  [
    'letter asked about',
    '/dead-letters?letter=load_users/{5}',
    async (page) => {
      await page.getByRole('button', { name: 'Discard', exact: true }).click()
      await page.getByRole('dialog', { name: 'Discard' }).waitFor()
    },
  ],
  ['letter landed', '/dead-letters?letter=load_users/{2}', toEnd('landed-row')],
  ['letter failed again', '/dead-letters?letter=load_users/{1}', toEnd('letter-fate')],
  ['letter history', '/dead-letters?letter=load_users/{failed}', toEnd('letter-history')],
  ['letter discarded', '/dead-letters?letter=load_users/{3}', toEnd('letter-fate')],
  ['letter that is not there', '/dead-letters?letter=load_users/0:999'],
  ['followed to a letter', `/follow?key=${poisonKey(2)}`],
  ['record with a letter', '/topics/users_created?at={origin}'],
  ['overview with letters', '/'],
]

describe.skipIf(findChromium() === null)('dead letters', () => {
  let console: ConsoleUnderTest
  let look: Look
  const places = new Map<string, string>()

  beforeAll(async () => {
    console = await openConsole()
    await console.millrace.until(/in table/, patienceMs)
    await console.page.goto(`${console.url}/dead-letters`)
    for (const [i, value] of values.entries())
      expect(console.cli('produce', 'users_created', '--raw', '--key', poisonKey(i + 1), '--value', value).code).toBe(0)
    const letters = await eventually(
      () => console.cliJson<DeadLetterView[]>('dlq', 'list'),
      (open) => open.length === values.length,
      patienceMs,
    )
    for (const { id, key } of letters) places.set(String(values.findIndex((_, i) => key === poisonKey(i + 1)) + 1), id)
    const id = (place: string): string => places.get(place) ?? ''
    const { topic, partition, offset } = letters.find((letter) => letter.id === id('1')) ?? {}
    places.set('origin', `${partition}:${offset}`)
    expect(topic).toBe('users_created')
    console.cli('dlq', 'replay', 'load_users', id('1'))
    const [good] = console.cli('consume', 'users_created', '--limit', '1', '--json').stdout.split('\n')
    const user = JSON.parse((JSON.parse(good ?? '{}') as { value: string }).value) as object
    console.cli('dlq', 'replay', 'load_users', id('2'), '--value', JSON.stringify({ ...user, id: poisonKey(2) }))
    console.cli('dlq', 'discard', 'load_users', id('3'))
    const failed = await eventually(
      () => console.cliJson<DeadLetterDetail>('dlq', 'show', 'load_users', id('1')).failedAs,
      (failedAs) => failedAs !== null,
      patienceMs,
    )
    places.set('failed', failed ?? '')
    await eventually(
      () => console.cliJson<DeadLetterDetail>('dlq', 'show', 'load_users', id('2')).landed,
      (landed) => landed === 'processed',
      patienceMs,
    )
    look = await lookAround(console)
  })
  afterAll(() => console[Symbol.asyncDispose]())

  test.each(states)(
    '%s: fits 390, 1440 and 2560, in light and dark, without serious violations of axe',
    { timeout: 400_000 },
    (name, path, act) =>
      look(
        name,
        path.replaceAll(/\{(\w+)\}/g, (_, place: string) => places.get(place) ?? ''),
        act,
      ),
  )

  test('values are text: nothing of them ran, and no page complained', () => {
    expect(console.complaints).toEqual([])
  })
})
