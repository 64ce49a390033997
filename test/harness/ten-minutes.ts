import { loadavg } from 'node:os'
import type { StatusView } from '../../src/core/index.ts'
import { readDocument } from './documents.ts'
import { eventually } from './millrace.ts'
import type { PageWalk } from './page-walk.ts'
import { readSteps, type PageStep } from './walked-page.ts'

const page = readDocument('docs/first-ten-minutes.md')

/** `1. Create it` is named `Create it`. */
export const steps: readonly (PageStep & { readonly name: string })[] = readSteps(page).map((step) => ({
  ...step,
  name: step.title.replace(/^\d+\. /, ''),
}))

/** The page with a table of how long each step took, in milliseconds, between its two marks. */
export function withTimes(times: ReadonlyMap<string, number>): string {
  const width = Math.max(...[...times.keys()].map((title) => title.length))
  const rows = [...times].map(([title, ms]) => `| ${title.padEnd(width)} | ${`${(ms / 1_000).toFixed(1)} s`.padEnd(6)} |`)
  const total = [...times.values()].reduce((sum, ms) => sum + ms, 0)
  const table = [
    `| ${'step'.padEnd(width)} | took   |`,
    `| ${'-'.repeat(width)} | ------ |`,
    ...rows,
    '',
    `Measured on two cores at a load of ${(loadavg()[0] ?? 0).toFixed(0)}, typed without a pause: ${(total / 60_000).toFixed(1)} minutes; npm had its packages in its cache.`,
  ].join('\n')
  return page.replace(/(?<=<!-- times -->\n)[^]*(?=<!-- \/times -->)/, () => `\n${table}\n\n`)
}

interface Counts {
  readonly fetched: number
  readonly inTopic: number
  readonly inTable: number
  readonly deadLetters: number
  readonly lag: number
}

interface WhatIsThere {
  readonly flow: Counts
  /** Of the records of the topic, one each. */
  readonly keys: readonly string[]
  readonly rows: readonly string[]
}

/** The counts of the status, once the stream has brought all of the topic into the table, and what both hold, as the commands say it. */
export async function whatIsThere(walk: PageWalk): Promise<WhatIsThere> {
  const flow = await eventually(
    () => countsOf(walk),
    ({ fetched, inTopic, inTable, lag }) => lag === 0 && inTable === inTopic && inTopic - fetched <= 1,
    90_000,
  )
  const records = await walk.run(`npx millrace consume users_created --limit ${flow.inTopic} --json`)
  const keys = records
    .trim()
    .split('\n')
    .map((line): { key: string } => JSON.parse(line))
    .map(({ key }) => key)
  return { flow, keys, rows: await idsInTable(walk) }
}

async function countsOf(walk: PageWalk): Promise<Counts> {
  const { flows }: StatusView = JSON.parse(await walk.run('npx millrace status --json'))
  const { fetched, inTopic, inTable, deadLetters, lag } = flows[0] ?? {}
  const count = (of: number | null | undefined): number => of ?? Number.NaN
  return {
    fetched: count(fetched),
    inTopic: count(inTopic),
    inTable: count(inTable),
    deadLetters: count(deadLetters),
    lag: count(lag),
  }
}

export async function idsInTable(walk: PageWalk): Promise<string[]> {
  const answer: { rows: { id: string }[] } = JSON.parse(
    await walk.run('npx millrace query --json "SELECT id FROM spark_streams.created_users"'),
  )
  return answer.rows.map(({ id }) => id)
}
