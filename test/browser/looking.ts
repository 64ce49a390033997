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
/** What observes its own size has drawn itself anew, and what fades in is there: half faded, its colours are not its own. */
const still = `new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() =>
  Promise.allSettled(
    document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity).map(({ finished }) => finished)))`
/** Where screenshots go, to be looked at; none are made without it. */
const folder = process.env.MILLRACE_SCREENSHOTS

interface Violation {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

/** Looks at a page in each width and look: nothing is wider than the window, and axe finds nothing serious. `act` brings it into a state. */
export type Look = (name: string, path: string, act?: (page: Page) => Promise<void>) => Promise<void>

/** Browsers that are signed in as the console's own is, one for each look; a page is loaded once in each, and made wider and wider. */
export async function lookAround(console: ConsoleUnderTest): Promise<Look> {
  const storageState = await console.page.context().storageState()
  const contexts = new Map<string, BrowserContext>()
  for (const colorScheme of schemes)
    contexts.set(colorScheme, await console.browser.newContext({ storageState, colorScheme, reducedMotion: 'reduce' }))
  return async (name, path, act) => {
    for (const [scheme, context] of contexts) {
      await using page = await context.newPage()
      page.setDefaultTimeout(patienceMs)
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 })
        if (width === widths[0]) await open(page, console.url + path, act)
        await loaded(page)
        await looksRight(page, name, `${width} ${scheme}`)
      }
    }
  }
}

async function open(page: Page, url: string, act?: (page: Page) => Promise<void>): Promise<void> {
  await page.goto(url)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await loaded(page)
  await act?.(page)
}

async function looksRight(page: Page, name: string, how: string): Promise<void> {
  await page.evaluate(still)
  const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  expect(overflow, `${name} is wider than ${how}`).toBeLessThanOrEqual(0)
  if (folder !== undefined) await shoot(page, `${name}-${how}`)
  if (asksAxe.includes(how)) expect(await violations(page), `${name} at ${how}`).toEqual([])
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
