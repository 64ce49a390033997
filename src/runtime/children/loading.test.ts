import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Project } from '../../core/index.ts'
import { startLoading, type Loading } from './loading.ts'

let projectDir: string
let loading: Loading

beforeEach(() => {
  projectDir = mkdtempSync(join(tmpdir(), 'millrace-loading-'))
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(projectDir, 'node_modules'))
  loading = startLoading({ owner: projectDir, onLine: () => undefined })
})
afterEach(() => {
  loading.close()
  rmSync(projectDir, { recursive: true, force: true })
})

function load(name: string, code: string): Promise<{ project: Project; warnings: string[] }> {
  writeFileSync(join(projectDir, name), code)
  return loading.pipelines({ name: 'p', projectDir, bundlesDir: join(projectDir, '.millrace/bundles'), globs: ['**/*.pipeline.ts'] })
}

const users = `
import { dag, schema, stream, topic, cassandraTable } from 'millrace'
import { z } from 'zod'
const User = schema('User', { id: z.guid(), born: z.iso.datetime(), tags: z.array(z.string()).default([]) })
const users = topic('users', { value: User, key: 'id', partitions: 3 })
`

describe('pipeline files', () => {
  test('become definitions with references to their functions', async () => {
    const { project, warnings } = await load(
      'users.pipeline.ts',
      `${users}
      enum Colour { Red, Green }
      export const table = cassandraTable('app', 'users', { row: User, partitionKey: ['id'] })
      export const load = stream('load').from(users).filter((user) => user.tags.length > Colour.Red).to(table, { autoCreate: true })
      export const d = dag('d', { schedule: '@daily' })
      const one = d.task('one', () => 1, { retries: 2, retryDelay: '3s' })
      const two = d.task('two', (ctx, n: number) => n + 1)
      two(one())`,
    )
    expect(warnings).toEqual([])
    expect(project.topics).toEqual([{ name: 'users', schema: 'User', key: ['id'], partitions: 3, configs: {} }])
    expect(project.streams[0]?.nodes.map((node) => node.id)).toEqual(['source', 'filter-1', 'sink'])
    expect(project.dags[0]?.tasks.map(({ id, upstream, retries, retryDelayMs }) => ({ id, upstream, retries, retryDelayMs }))).toEqual([
      { id: 'one', upstream: [], retries: 2, retryDelayMs: 3_000 },
      { id: 'two', upstream: ['one'], retries: 0, retryDelayMs: 10_000 },
    ])
    expect(project.dags[0]?.tasks[0]?.fn).toMatchObject({ export: 'd', node: 'one', digest: project.streams[0]?.fn.digest })
    expect(project.schemas[0]?.fields.map((field) => field.type)).toEqual([
      { is: 'uuid' },
      { is: 'timestamp', unit: 'ms' },
      { is: 'list', of: { is: 'text' } },
    ])
  })

  test('that throw are named with file and line', async () => {
    await expect(load('bad.pipeline.ts', `export const a = 1\n\nthrow new Error('no luck')\n`)).rejects.toThrow(
      /^bad\.pipeline\.ts:3:7: no luck/,
    )
  })

  test('that do not compile are named with file and line', async () => {
    await expect(load('bad.pipeline.ts', `export const a = 1\nconst b = = 2\n`)).rejects.toThrow(/^bad\.pipeline\.ts:2:\d+: Unexpected "="/)
  })

  test('that import what is not there are named with file and line', async () => {
    await expect(load('bad.pipeline.ts', `import x from './nowhere.ts'\nexport const y = x\n`)).rejects.toThrow(
      /^bad\.pipeline\.ts:1:\d+: .*nowhere/,
    )
  })

  test('that never return are ended and named', async () => {
    await expect(load('loop.pipeline.ts', `for (;;) {}`)).rejects.toThrow(/^loop\.pipeline\.ts: not loaded after 10 s/)
  })

  test('that end the process are named', async () => {
    await expect(load('exit.pipeline.ts', `process.exit(3)`)).rejects.toThrow(/^exit\.pipeline\.ts: .*exit code 3/)
  })

  test('that forget to export a stream are told so', async () => {
    await expect(
      load(
        'users.pipeline.ts',
        `${users}\nstream('load').from(users).to(cassandraTable('app', 'users', { row: User, partitionKey: ['id'] }))`,
      ),
    ).rejects.toThrow(/users\.pipeline\.ts:7:\d+: stream "load" is not exported/)
  })

  test('with a field that has no stored type are refused by its name', async () => {
    await expect(load('a.pipeline.ts', `${users}\nexport const B = schema('B', { at: z.date() })`)).rejects.toThrow(
      /a\.pipeline\.ts:7:\d+: schema B: field "at" is a Date/,
    )
  })

  test('defining one name twice, differently, are refused', async () => {
    await expect(
      load('a.pipeline.ts', `${users}\nexport const one = users\nexport const two = topic('users', { value: User, partitions: 7 })`),
    ).rejects.toThrow(/topic "users" is defined twice/)
  })

  test('with a DAG without tasks give a warning', async () => {
    const { warnings } = await load('a.pipeline.ts', `${users}\nexport const d = dag('d', { schedule: null })`)
    expect(warnings).toEqual([expect.stringContaining('dag "d" has no task')])
  })
})

test('no pipeline file at all is said so', async () => {
  await expect(loading.pipelines({ name: 'p', projectDir, bundlesDir: projectDir, globs: ['**/*.pipeline.ts'] })).rejects.toThrow(
    /No pipeline file matches/,
  )
})
