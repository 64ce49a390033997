import { expect, test } from 'vitest'
import { childrenOf, eventually, roleOf } from '../harness/millrace.ts'
import { cqlshRows, addresses, patienceMs } from './console-under-test.ts'
import { poisonKey } from './dead-letters-suite.ts'
import type { Judge } from './judge.ts'

const longMs = 600_000

/** What the pages say while a part is gone, and after it came back: `kill -9`, and no page is loaded anew by hand. */
export function judgeAfterKills(judge: Judge): void {
  const { console, page, says, letters, letter, rowsInTable, rowsAre, everyPageIsTrue } = judge

  /** A user as the topic has them, under another key. */
  const userAs = (key: string): string => {
    const [record] = console()
      .cli('consume', 'users_created', '--limit', '1', '--json')
      .stdout.split('\n')
      .map((line) => JSON.parse(line || '{}') as { value?: string })
    return JSON.stringify({ ...JSON.parse(record?.value ?? '{}'), id: key })
  }
  /** Waits for it where it is just being started again: a signal to no process would be one to all. */
  const streamChild = async (): Promise<number> => {
    const children = await eventually(
      () => childrenOf(console().millrace.pid).filter((pid) => roleOf(pid) === 'streams'),
      (pids) => pids.length > 0,
      patienceMs,
    )
    return children[0] ?? expect.unreachable('there is no process of streams')
  }

  test('after a kill -9 of the streams’ process the page follows, and says what is in the table', { timeout: longMs }, async () => {
    await console().goto('/')
    const rows = rowsInTable()
    const child = await streamChild()
    process.kill(child, 'SIGKILL')
    expect(console().cli('produce', 'users_created', '--key', poisonKey(20), '--value', userAs(poisonKey(20))).code).toBe(0)
    await rowsAre(rows + 1)
    expect(await streamChild()).not.toBe(child)
    await says('in-table', String(rows + 1))
    await says('part-streams', /ok/i)
    await everyPageIsTrue()
  })

  test(
    'a kill -9 of Millrace while a replay is on its way: the page says that it is stale, comes back by itself, and shows it land',
    { timeout: longMs },
    async () => {
      const [poison] = letters()
      const id = poison?.id ?? ''
      const rows = rowsInTable()
      await console().goto(`/dead-letters?letter=load_users/${id}`)
      await page().getByRole('button', { name: 'Edit the value' }).click()
      await page().getByTestId('edit-value').getByText('JSON', { exact: true }).click()
      await page()
        .getByLabel('Value to replay')
        .fill(userAs(poison?.key ?? ''))
      // So that it is still on its way.
      process.kill(await streamChild(), 'SIGSTOP')
      await page().getByRole('button', { name: 'Replay this value', exact: true }).click()
      await page().getByRole('dialog', { name: 'Replay this value' }).getByRole('button', { name: 'Replay this value' }).click()
      await page().getByTestId('letter-fate').getByText('waiting').waitFor()
      await console().kill()
      await page().getByRole('status').getByText('stale: connecting again').waitFor()
      await console().startAgain()
      await page().getByText('live', { exact: true }).waitFor()
      await page().getByTestId('letter-fate').getByText('landed').waitFor()
      expect(letter(id)).toMatchObject({ state: 'replayed', landed: 'processed' })
      await rowsAre(rows + 1)
      const cql = `SELECT id FROM spark_streams.created_users WHERE id = ${poison?.key}`
      expect(cqlshRows(addresses(console()).cassandra, cql)).toEqual([poison?.key])
      await everyPageIsTrue()
    },
  )

  test('each page that was open when Millrace was killed shows what is true once it is back', { timeout: longMs }, async () => {
    const rows = rowsInTable()
    await console().goto('/tables/spark_streams/created_users')
    await says('rows-shown', `${rows} rows shown`)
    await console().kill()
    await page().getByRole('status').getByText('stale: connecting again').waitFor()
    await console().startAgain()
    await page().getByText('live', { exact: true }).waitFor()
    await console().goto('/topics/users_created?tab=live')
    await says('live-state', /^live/)
    await console().kill()
    await says('live-state', /^stale/)
    await console().startAgain()
    await says('live-state', /^live/)
    expect(console().cli('produce', 'users_created', '--key', poisonKey(21), '--value', userAs(poisonKey(21))).code).toBe(0)
    await page().getByText(poisonKey(21)).first().waitFor()
    await eventually(
      () => rowsInTable(),
      (now) => now === rows + 1,
      patienceMs,
    )
    await everyPageIsTrue()
  })
}
