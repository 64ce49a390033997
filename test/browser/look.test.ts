import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunView } from '../../src/core/index.ts'
import { eventually } from '../harness/millrace.ts'
import { findChromium } from './chromium.ts'
import { openConsole, type ConsoleUnderTest } from './console-under-test.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const widths = [390, 1440, 2560]
const schemes = ['light', 'dark'] as const
const asksAxe = ['390 light', '1440 dark']
/** Where screenshots go, to be looked at; none are made without it. */
const folder = process.env.MILLRACE_SCREENSHOTS

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

interface Violation {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

describe.skipIf(findChromium() === null)('each page', () => {
  let console: ConsoleUnderTest
  let run: string
  const contexts = new Map<string, BrowserContext>()

  beforeAll(async () => {
    console = await openConsole()
    await eventually(
      () => console.status().flows[0]?.inTable,
      (rows) => rows === 30,
      90_000,
    )
    run = console.cliJson<RunView[]>('runs')[0]?.runId ?? ''
    const storageState = await console.page.context().storageState()
    for (const width of widths) {
      for (const colorScheme of schemes)
        contexts.set(
          `${width} ${colorScheme}`,
          await console.browser.newContext({ storageState, colorScheme, viewport: { width, height: 900 } }),
        )
    }
  })
  afterAll(() => console[Symbol.asyncDispose]())

  async function visit(width: number, scheme: string, path: string): Promise<Page> {
    const context = contexts.get(`${width} ${scheme}`)
    if (context === undefined) throw new Error('no such context')
    const page = await context.newPage()
    await page.goto(console.url + path.replace('{run}', encodeURIComponent(run)))
    await page.getByRole('heading', { level: 1 }).waitFor()
    await eventually(
      () => page.getByRole('status', { name: 'Loading' }).count(),
      (count) => count === 0,
    )
    return page
  }

  test.each(Object.entries(pages))(
    '%s fits 390, 1440 and 2560, in light and dark, without serious violations of axe',
    async (name, path) => {
      for (const width of widths) {
        for (const scheme of schemes) {
          await using page = await visit(width, scheme, path)
          const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
          expect(overflow, `${name} is wider than ${width}`).toBeLessThanOrEqual(0)
          if (folder !== undefined) await shoot(page, `${name}-${width}-${scheme}`)
          // A narrow one, a wide one, and both looks: what axe finds beyond those is the same.
          if (asksAxe.includes(`${width} ${scheme}`)) expect(await violations(page), `${name} at ${width}, ${scheme}`).toEqual([])
        }
      }
    },
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

async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(folder ?? '', { recursive: true })
  await page.screenshot({ path: join(folder ?? '', `${name.replaceAll(' ', '-')}.png`) })
}

async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, not by a script element: the page's policy would refuse that.
  await page.evaluate(axe)
  const found = await page.evaluate<{ violations: Violation[] }>('axe.run(document, { resultTypes: ["violations"] })')
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 300)}`))
}
