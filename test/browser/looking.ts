import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { eventually } from '../harness/millrace.ts'
import { patienceMs, type ConsoleUnderTest } from './console-under-test.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const widths = [390, 1440, 2560]
const schemes = ['light', 'dark'] as const
/** A narrow one, a wide one, and both looks: what axe finds beyond those is the same. */
const asksAxe = ['390 light', '1440 dark']
/** Where screenshots go, to be looked at; none are made without it. */
const folder = process.env.MILLRACE_SCREENSHOTS

interface Violation {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

/** Looks at a page in each width and look: nothing is wider than the window, and axe finds nothing serious. `act` brings it into a state. */
export type Look = (name: string, path: string, act?: (page: Page) => Promise<void>) => Promise<void>

/** Browsers that are signed in as the console's own is. */
export async function lookAround(console: ConsoleUnderTest): Promise<Look> {
  const storageState = await console.page.context().storageState()
  const contexts = new Map<string, BrowserContext>()
  for (const width of widths) {
    for (const colorScheme of schemes)
      contexts.set(
        `${width} ${colorScheme}`,
        await console.browser.newContext({ storageState, colorScheme, viewport: { width, height: 900 } }),
      )
  }
  return async (name, path, act) => {
    for (const [how, context] of contexts) {
      await using page = await context.newPage()
      page.setDefaultTimeout(patienceMs)
      await page.goto(console.url + path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await loaded(page)
      await act?.(page)
      await loaded(page)
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      expect(overflow, `${name} is wider than ${how}`).toBeLessThanOrEqual(0)
      if (folder !== undefined) await shoot(page, `${name}-${how}`)
      if (asksAxe.includes(how)) expect(await violations(page), `${name} at ${how}`).toEqual([])
    }
  }
}

async function loaded(page: Page): Promise<void> {
  await eventually(
    () => page.getByRole('status', { name: 'Loading' }).count(),
    (count) => count === 0,
  )
}

async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(folder ?? '', { recursive: true })
  await page.screenshot({ path: join(folder ?? '', `${name.replaceAll(' ', '-')}.png`), animations: 'disabled' })
}

async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, not by a script element: the page's policy would refuse that.
  await page.evaluate(axe)
  const found = await page.evaluate<{ violations: Violation[] }>('axe.run(document, { resultTypes: ["violations"] })')
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 300)}`))
}
