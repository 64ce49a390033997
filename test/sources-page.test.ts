import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as authoring from 'millrace'
import { expect, test } from 'vitest'
import {
  fileTailOptions,
  generatorOptions,
  httpPollOptions,
  kafkaRecordsOptions,
  postgresQueryOptions,
  randomUserOptions,
  webhookOptions,
  type OptionTable,
} from '../src/connectors/index.ts'

/**
 * Writes the tables of options into `docs/sources.md`, of what checks those options. The page differs from the committed one: run this with
 * `MILLRACE_WRITE_DOCS=1` and commit what changed.
 */
const page = join(import.meta.dirname, '../docs/sources.md')

const sources: Readonly<Record<string, { options: OptionTable; name?: string }>> = {
  httpPoll: { options: httpPollOptions },
  randomUser: { options: randomUserOptions, name: "`'random_user'`" },
  generator: { options: generatorOptions },
  fileTail: { options: fileTailOptions },
  kafkaRecords: { options: kafkaRecordsOptions },
  postgresQuery: { options: postgresQueryOptions },
  webhook: { options: webhookOptions },
}

function tableOf({ options, name = 'required' }: { options: OptionTable; name?: string }): string {
  const rows = Object.entries(options).map(([key, { takes, standard, does }]) => [`\`${key}\``, takes, standard, does])
  const all = [['`name`', 'text', name, 'Names the cursor; unique within a project.'], ...rows]
  const lines = all.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
  return `| Option | Takes | Left out | What it does |\n|---|---|---|---|\n${lines.join('')}`
}

test('docs/sources.md has each option of each source, as it is checked', () => {
  const committed = readFileSync(page, 'utf8')
  const placed: string[] = []
  const replaced = committed.replaceAll(/^Options of `(\w+)`:\n\n(?:\|.*\n)*\n*/gm, (_all, source: string) => {
    placed.push(source)
    const known = sources[source]
    return `Options of \`${source}\`:\n\n${known ? tableOf(known) : ''}\n`
  })
  const made = `${replaced.trimEnd()}\n`
  expect(placed.toSorted()).toEqual(Object.keys(sources).toSorted())
  if (process.env['MILLRACE_WRITE_DOCS'] === '1') writeFileSync(page, made)
  expect(readFileSync(page, 'utf8')).toBe(made)
})

test('each source that pipelines can import is on the page', () => {
  const others = ['cassandraTable', 'dag', 'defineConfig', 'schema', 'secret', 'stream', 'topic']
  expect(Object.keys(authoring).toSorted()).toEqual([...Object.keys(sources), ...others].toSorted())
})
