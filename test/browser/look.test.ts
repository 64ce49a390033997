import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunView } from '../../src/core/index.ts'
import { eventually } from '../harness/millrace.ts'
import { findChromium } from './chromium.ts'
import { openConsole, patienceMs, type ConsoleUnderTest } from './console-under-test.ts'
import { lookAround, type Look } from './looking.ts'

const pages: Readonly<Record<string, string>> = {
  overview: '/',
  dags: '/dags',
  dag: '/dags/user_automation',
  run: '/dags/user_automation/runs/{run}',
  topics: '/topics',
  newest: '/topics/users_created',
  live: '/topics/users_created?tab=live',
  search: '/topics/users_created?tab=search&find=a',
  produce: '/topics/users_created?tab=produce',
  partitions: '/topics/users_created?tab=partitions',
  groups: '/topics/users_created?tab=groups',
  configs: '/topics/users_created?tab=configs',
  tables: '/tables',
  table: '/tables/spark_streams/created_users',
  cql: '/cql',
  follow: '/follow?key=nobody',
  'dead letters': '/dead-letters',
  users: '/users',
  audit: '/audit',
  'no such page': '/nowhere',
}

describe.skipIf(findChromium() === null)('each page', () => {
  let console: ConsoleUnderTest
  let look: Look
  let run: string

  beforeAll(async () => {
    console = await openConsole()
    await eventually(
      () => console.status().flows[0]?.inTable,
      (rows) => rows === 30,
      patienceMs,
    )
    run = console.cliJson<RunView[]>('runs')[0]?.runId ?? ''
    look = await lookAround(console)
  })
  afterAll(() => console[Symbol.asyncDispose]())

  test.each(Object.entries(pages))(
    '%s fits 390, 1440 and 2560, in light and dark, without serious violations of axe',
    { timeout: 400_000 },
    (name, path) => look(name, path.replace('{run}', encodeURIComponent(run))),
  )

  test('the first page needs at most 300 kB of compressed JavaScript', async () => {
    const html = await (await fetch(`${console.url}/`)).text()
    const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path]) => path)
    const sizes = await Promise.all(
      scripts.map(async (path) =>
        Number((await fetch(console.url + path, { headers: { 'accept-encoding': 'gzip' } })).headers.get('content-length')),
      ),
    )
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(total).toBeGreaterThan(50_000)
    expect(total).toBeLessThanOrEqual(300_000)
  })
})
