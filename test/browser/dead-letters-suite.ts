import { expect, test } from 'vitest'
import { eventually, run } from '../harness/millrace.ts'
import { addresses, cqlshRows, kcatLines, patienceMs, produceByKcat } from './console-under-test.ts'
import type { Judge } from './judge.ts'

const stream = 'load_users'
const longMs = 600_000
/** Keys of records that no run of the DAG fetches. */
export const poisonKey = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** Dead letters from the poison that kcat produces to the row that cqlsh reads, by hand; each number beside what others count. */
export function judgeDeadLetters(judge: Judge): void {
  const { console, page, text, says, recordsInTopic, rowsInTable, letters, letter } = judge
  const topicOf = (what: 'dlq' | 'retry'): string => `${console().status().project}.${stream}.${what}`
  const openOnes = (count: number): Promise<unknown> =>
    eventually(
      () => letters(),
      (open) => open.length === count,
      patienceMs,
    )
  const poison = (n: number): void =>
    produceByKcat(addresses(console()).kafka, 'users_created', poisonKey(n), `poison ${n}`, [`trace=t${n}`])
  const idOf = (n: number): string => letters('all').findLast(({ key }) => key === poisonKey(n))?.id ?? ''
  const open = async (id: string): Promise<void> => {
    await console().goto(`/dead-letters?state=all&letter=${stream}/${id}`)
    await page().getByTestId('letter').waitFor()
  }
  /** The first button opens the question, the second, in it, is the answer. */
  const press = async (name: string): Promise<void> => {
    await page().getByRole('button', { name, exact: true }).click()
    await page().getByRole('dialog', { name, exact: true }).getByRole('button', { name, exact: true }).click()
  }

  test(
    'poison that kcat produces is on the page by itself, with the counts of the command line and kcat',
    { timeout: longMs },
    async () => {
      await console().goto('/dead-letters')
      await page().getByText('No dead letters').waitFor()
      for (const n of [1, 2, 3]) poison(n)
      await says('state-open', 'open 3')
      for (const { id, key, message } of letters()) {
        const row = await text(`letter-${id}`)
        expect(row).toContain(key)
        expect(row).toContain(message)
      }
      expect(letters()).toHaveLength(3)
      expect(recordsInTopic(topicOf('dlq'))).toBe(3)
      await console().goto('/')
      await says('dead-letters', '3 dead letters')
      await page().getByTestId(`open-letters-${stream}`).click()
      await page().waitForURL(`**/dead-letters?stream=${stream}`)
      await says('letters-shown', '3 shown')
    },
  )

  test('a letter is shown whole: its bytes, headers, error, and the record that it was', { timeout: longMs }, async () => {
    const id = idOf(1)
    const { topic, partition, offset, message } = letter(id)
    await console().goto('/dead-letters')
    await page().getByTestId(`letter-${id}`).getByRole('link').click()
    const whole = page().getByTestId('letter')
    await whole.getByText(message).first().waitFor()
    await whole.getByRole('cell', { name: 't1', exact: true }).waitFor()
    await page().getByRole('region', { name: 'Value' }).getByText('Bytes', { exact: true }).click()
    expect(await text('hex')).toContain('70 6f 69 73 6f 6e 20 31')
    await whole
      .getByRole('link', { name: `${topic}, partition ${partition}, offset ${offset}` })
      .first()
      .click()
    const record = page().getByTestId(`record-${partition}:${offset}`)
    await record.getByText('poison 1').first().waitFor()
    await record.getByTestId(`letter-note-${id}`).getByText('OPEN', { exact: false }).waitFor()
    await record.getByRole('link', { name: `dead letter ${id} of ${stream}` }).click()
    await page().getByTestId('letter').waitFor()
  })

  test(
    'what is no JSON, or does not fit the schema, is refused; a mended value is replayed, lands, and is in the table',
    { timeout: longMs },
    async () => {
      const id = idOf(1)
      const rows = rowsInTable()
      await open(id)
      await page().getByRole('button', { name: 'Edit the value' }).click()
      await page().getByTestId('edit-value').getByText('JSON', { exact: true }).click()
      const value = page().getByLabel('Value to replay')
      await value.fill('{ "id": ')
      await page()
        .getByText(/^This is not JSON/)
        .waitFor()
      expect(await page().getByRole('button', { name: 'Replay this value' }).isDisabled()).toBe(true)
      // Without a registry values are JSON, and what is in them the stream judges.
      if (
        console()
          .status()
          .parts.some(({ name }) => name === 'registry')
      ) {
        await value.fill('{ "id": 1 }')
        await press('Replay this value')
        await page()
          .getByRole('dialog')
          .getByRole('alert')
          .getByText(/does not fit/)
          .waitFor()
        await page().getByRole('button', { name: 'Leave it' }).click()
      }
      expect(letter(id).state).toBe('open')
      await page().getByRole('button', { name: 'Begin with the newest good record' }).click()
      const pattern = await eventually(
        () => value.inputValue(),
        (shown) => shown.includes(poisonKey(1)),
        patienceMs,
      )
      const user = JSON.parse(pattern) as Record<string, unknown>
      expect(user.id).toBe(poisonKey(1))
      await value.fill(JSON.stringify({ ...user, first_name: 'Mended' }))
      await press('Replay this value')
      await page().getByTestId('letter-fate').getByText('landed').waitFor()
      await page().getByTestId('landed-row').getByText('Mended').waitFor()
      const cql = `SELECT first_name FROM spark_streams.created_users WHERE id = ${poisonKey(1)}`
      expect(cqlshRows(addresses(console()).cassandra, cql)).toEqual(['Mended'])
      const { state, landed, settled } = letter(id)
      expect({ state, landed }).toEqual({ state: 'replayed', landed: 'processed' })
      const [, partition, offset] = settled?.to?.split(':') ?? []
      expect(await text('letter-fate')).toContain(`${topicOf('retry')}, partition ${partition}, offset ${offset}`)
      const retried = kcatLines(['-b', addresses(console()).kafka, '-C', '-t', topicOf('retry'), '-e', '-q', '-f', '%p %o %k\n'])
      expect(retried).toEqual([`${partition} ${offset} ${poisonKey(1)}`])
      expect(rowsInTable()).toBe(rows + 1)
      await says('state-open', 'open 2')
      await says('state-replayed', 'replayed 1')
    },
  )

  test('one that is replayed as it is fails again, and each of both letters leads to the other', { timeout: longMs }, async () => {
    const id = idOf(2)
    await open(id)
    await press('Replay as it is')
    await page().getByTestId('letter-fate').getByText('failed again').waitFor()
    const { landed, failedAs } = letter(id)
    expect(landed).toBe('failed')
    await says('state-failed-again', 'failed again 1')
    await page()
      .getByTestId('letter-fate')
      .getByRole('link', { name: `dead letter ${failedAs}` })
      .click()
    await page()
      .getByRole('heading', { name: `Dead letter ${failedAs} of ${stream}` })
      .waitFor()
    await page()
      .getByTestId('letter-history')
      .getByRole('link', { name: `dead letter ${id}` })
      .waitFor()
    await console().goto('/dead-letters?state=failed-again')
    await says('letters-shown', '1 shown')
    await page().getByTestId(`letter-${failedAs}`).waitFor()
  })

  test('bytes are given as base64, and go back as they are', { timeout: longMs }, async () => {
    const id = idOf(3)
    await open(id)
    await page().getByRole('button', { name: 'Edit the value' }).click()
    await page().getByTestId('edit-value').getByText('Base64', { exact: true }).click()
    const value = page().getByLabel('Value to replay')
    expect(await value.inputValue()).toBe(Buffer.from('poison 3').toString('base64'))
    await value.fill('not base64!')
    await page().getByText('This is not base64 with its padding.').waitFor()
    await value.fill(Buffer.from([0xff, 0x00, 0xfe]).toString('base64'))
    await press('Replay this value')
    await page().getByTestId('letter-fate').getByText('failed again').waitFor()
    const again = letter(letter(id).failedAs ?? '')
    expect(again).toMatchObject({ valueBytes: '/wD+', valueIsBase64: true, key: poisonKey(3), replays: 1 })
    await page()
      .getByTestId('letter-fate')
      .getByRole('link', { name: `dead letter ${again.id}` })
      .click()
    await page()
      .getByRole('heading', { name: `Dead letter ${again.id} of ${stream}` })
      .waitFor()
    expect(await text('hex')).toContain('ff 00 fe')
  })

  test('one is discarded; doing either twice changes nothing', { timeout: longMs }, async () => {
    const id = idOf(2)
    await open(id)
    await press('Discard')
    await page()
      .getByTestId('letter-fate')
      .getByText(/^Discarded by/)
      .waitFor()
    await says('state-discarded', 'discarded 1')
    const before = [recordsInTopic(topicOf('dlq')), recordsInTopic(topicOf('retry')), rowsInTable()]
    for (const [verb, each, state] of [
      ['replay', id, 'discarded'],
      ['discard', id, 'discarded'],
      ['discard', idOf(1), 'replayed'],
      ['replay', idOf(1), 'replayed'],
    ] as const)
      expect(console().cli('dlq', verb, stream, each).stdout).toContain(`already ${state}`)
    expect([recordsInTopic(topicOf('dlq')), recordsInTopic(topicOf('retry')), rowsInTable()]).toEqual(before)
    await judge.everyPageIsTrue()
  })

  test('many are replayed and discarded at once, with progress, and what became of them', { timeout: longMs }, async () => {
    for (const n of [4, 5, 6, 7]) poison(n)
    await openOnes(5)
    await console().goto(`/dead-letters?stream=${stream}`)
    await says('letters-shown', '5 shown')
    await page().getByRole('button', { name: 'Replay all that match' }).click()
    await says('settle-size', '5 dead letters')
    await page().getByRole('button', { name: 'Replay 5' }).click()
    await says('settle-progress', '5 of 5 replayed')
    await says('landing', '0 landed · 5 failed again · 0 wait')
    await page().getByTestId('settle-many').getByRole('button', { name: 'Close' }).click()
    await says('state-failed-again', 'failed again 5')
    expect(letters().filter(({ replays }) => replays === 1)).toHaveLength(4)
    await page().getByLabel('Choose all that are shown').click()
    await page().getByRole('button', { name: 'Discard the 5 chosen' }).click()
    await page().getByRole('button', { name: 'Discard 5' }).click()
    await says('settle-progress', '5 of 5 discarded')
    await page().getByTestId('settle-many').getByRole('button', { name: 'Close' }).click()
    await page().getByText('None is open').waitFor()
    expect(letters()).toEqual([])
    await console().goto('/')
    await says('dead-letters', '0 dead letters')
  })

  test('following a record tells of its dead letter', { timeout: longMs }, async () => {
    await console().goto(`/follow?key=${poisonKey(1)}`)
    await page()
      .getByTestId(`letter-note-${idOf(1)}`)
      .getByText('landed')
      .waitFor()
    expect(await text('row')).toContain('Mended')
    await console().goto(`/follow?key=${poisonKey(2)}`)
    await page()
      .getByTestId(`letter-note-${idOf(2)}`)
      .getByText('discarded by')
      .waitFor()
    await page().getByTestId('no-row').waitFor()
  })

  test('a viewer sees no personal field, and may do nothing', { timeout: longMs }, async () => {
    poison(8)
    await eventually(
      () => idOf(8),
      (id) => id !== '',
      patienceMs,
    )
    const password = `of vera, ${Date.now()}`
    const added = run(console().project, ['users', 'add', 'vera', '--role', 'viewer'], { input: `${password}\n` })
    expect(added.code, added.stderr).toBe(0)
    await using other = await console().otherPage()
    await other.goto(`${console().url}/dead-letters?letter=${stream}/${idOf(8)}`)
    await other.getByLabel('User').fill('vera')
    await other.getByRole('textbox', { name: 'Password' }).fill(password)
    await other.getByRole('button', { name: 'Sign in' }).click()
    await other.getByTestId('letter').getByText('Personal fields are hidden', { exact: false }).waitFor()
    await other.getByTestId('letter-history').waitFor()
    expect(await other.locator('body').innerText()).not.toContain('poison')
    expect(await other.getByRole('button', { name: /Replay|Discard|Edit/ }).count()).toBe(0)
    expect(await other.getByRole('checkbox').count()).toBe(0)
  })
}
