import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { plural, type DeadLetterDetail, type DeadLetterView, type RunView } from '../../src/core/index.ts'
import { eventually } from '../harness/millrace.ts'
import { addresses, cqlshRows, kcatLines, patienceMs, type ConsoleUnderTest } from './console-under-test.ts'

/** What the suites of the console ask the page, and other people's clients, at a moment. */
export interface Judge {
  readonly console: () => ConsoleUnderTest
  readonly page: () => Page
  /** Waits until the command line says so: so many rows are in the table, and nothing waits. */
  readonly rowsAre: (count: number) => Promise<void>
  readonly text: (testId: string) => Promise<string>
  /** Waits until a place on the page says so; rejects with what it says instead. */
  readonly says: (testId: string, expected: string | RegExp) => Promise<string>
  /** By kcat: records of a topic, `users_created` unless named. */
  readonly recordsInTopic: (topic?: string) => number
  /** By cqlsh. */
  readonly rowsInTable: () => number
  /** By the command line. */
  readonly letters: (state?: string) => DeadLetterView[]
  readonly letter: (id: string) => DeadLetterDetail
  /** Goes through the pages, and holds each number against what kcat, cqlsh and the command line say. */
  readonly everyPageIsTrue: () => Promise<void>
}

export function judgeOf(console: () => ConsoleUnderTest): Judge {
  const page = (): Page => console().page
  const text = (testId: string): Promise<string> => page().getByTestId(testId).first().innerText()
  const says = (testId: string, expected: string | RegExp): Promise<string> =>
    eventually(
      () => text(testId),
      (shown) => (typeof expected === 'string' ? shown === expected : expected.test(shown)),
      patienceMs,
    )
  const recordsInTopic = (topic = 'users_created'): number =>
    kcatLines(['-b', addresses(console()).kafka, '-C', '-t', topic, '-e', '-q', '-f', '%o\n']).length
  const rowsInTable = (): number => Number(cqlshRows(addresses(console()).cassandra, 'SELECT count(*) FROM spark_streams.created_users')[0])
  const letters = (state = 'open'): DeadLetterView[] => console().cliJson('dlq', 'list', '--state', state)
  const judge: Judge = {
    console,
    page,
    text,
    says,
    recordsInTopic,
    rowsInTable,
    letters,
    rowsAre: async (count) => {
      await eventually(
        () => console().status().flows[0],
        (flow) => flow?.inTable === count && flow.lag === 0,
        patienceMs,
      )
    },
    letter: (id) => console().cliJson('dlq', 'show', 'load_users', id),
    everyPageIsTrue: async () => {
      await overviewIsTrue(judge)
      await topicIsTrue(judge)
      await tableIsTrue(judge)
      await lettersAreTrue(judge)
      await runsAreTrue(judge)
    },
  }
  return judge
}

async function overviewIsTrue({ console, says, recordsInTopic, rowsInTable, letters }: Judge): Promise<void> {
  await console().goto('/')
  await says('in-topic', String(recordsInTopic()))
  await says('in-table', String(rowsInTable()))
  await says('lag', 'lag 0')
  await says('dead-letters', `${letters().length} ${plural(letters().length, 'dead letter')}`)
  await says('fetched', String(console().status().flows[0]?.fetched))
  for (const { name, state } of console().status().parts) await says(`part-${name}`, new RegExp(state, 'i'))
}

async function topicIsTrue({ console, page, says }: Judge): Promise<void> {
  const ends = partitionEnds(addresses(console()).kafka)
  await console().goto('/topics')
  const total = ends.reduce((sum, end) => sum + Number(end), 0)
  await eventually(
    () => page().getByTestId('topic-users_created').getByTestId('offsets').innerText(),
    (shown) => shown === String(total),
    patienceMs,
  )
  await console().goto('/topics/users_created?tab=partitions')
  await eventually(
    () => Promise.all(ends.map((_, partition) => page().getByTestId(`partition-${partition}`).getByTestId('end').innerText())),
    (shown) => shown.join() === ends.join(),
    patienceMs,
  )
  await console().goto('/topics/users_created?tab=groups')
  await says('lag', '0')
  const newest = kcatLines(['-b', addresses(console()).kafka, '-C', '-t', 'users_created', '-e', '-q', '-f', '%T %p:%o %k\n'])
    .toSorted()
    .at(-1)
  const [, at = '', key = ''] = newest?.split(' ') ?? []
  await console().goto('/topics/users_created')
  await page().getByTestId(`record-${at}`).getByText(key).first().waitFor()
}

/** By kcat, in the order of the partitions. */
export function partitionEnds(kafka: string): string[] {
  const lines = kcatLines(['-b', kafka, '-Q', ...[0, 1, 2, 3, 4, 5].flatMap((partition) => ['-t', `users_created:${partition}:-1`])])
  const found = lines.map((line) => /\[(\d+)\] offset (\d+)/.exec(line))
  return found.toSorted((a, b) => Number(a?.[1]) - Number(b?.[1])).map((match) => match?.[2] ?? '')
}

async function tableIsTrue({ console, page, says, rowsInTable }: Judge): Promise<void> {
  const rows = rowsInTable()
  await console().goto('/tables/spark_streams/created_users')
  await says('row-count', `${rows} ${plural(rows, 'row')}`)
  await says('rows-shown', `${rows} ${plural(rows, 'row')} shown`)
  await console().goto('/cql?q=SELECT+count(*)+FROM+spark_streams.created_users')
  await page().getByRole('button', { name: 'Run' }).click()
  await page()
    .getByRole('cell', { name: String(rows), exact: true })
    .waitFor()
}

async function lettersAreTrue({ console, page, says, letters }: Judge): Promise<void> {
  const all = letters('all')
  const count = (state: string): number => all.filter((letter) => letter.state === state).length
  await console().goto('/dead-letters?state=all')
  await says('state-all', `all ${all.length}`)
  await says('state-open', `open ${count('open')}`)
  await says('state-replayed', `replayed ${count('replayed')}`)
  await says('state-discarded', `discarded ${count('discarded')}`)
  await says('state-failed-again', `failed again ${all.filter(({ state, replays }) => state === 'open' && replays > 0).length}`)
  for (const { id, key } of all.slice(-5)) expect(await page().getByTestId(`letter-${id}`).innerText()).toContain(key)
}

async function runsAreTrue({ console, page, says }: Judge): Promise<void> {
  const runs = console().cliJson<RunView[]>('runs')
  await console().goto('/dags')
  await says('run-count', String(runs.length))
  const [last] = runs
  await console().goto(`/dags/user_automation/runs/${encodeURIComponent(last?.runId ?? '')}`)
  await page()
    .getByRole('heading', { name: last?.runId ?? '', exact: true })
    .waitFor()
  await says('task-stream_data_from_api', new RegExp(last?.state ?? '', 'i'))
}
