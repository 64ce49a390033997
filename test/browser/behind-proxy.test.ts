import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startHttpsProxy, type HttpsProxy } from '../harness/https-proxy.ts'
import { eventually, run, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { findChromium, launchChromium } from './chromium.ts'
import { patienceMs } from './console-under-test.ts'

const chromium = findChromium()
const basePath = '/tools/mill'

describe.skipIf(chromium === null).each([true, false])('a project’s console behind a proxy that takes the path off: %s', (strips) => {
  let project: TestProject
  let millrace: Started
  let proxy: HttpsProxy
  let browser: Browser
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    project = createProject("every: '50ms', pages: 20")
    const env = { MILLRACE_CONSOLE_BASE_PATH: basePath, MILLRACE_CONSOLE_TRUSTED_PROXIES: '127.0.0.1' }
    millrace = startMillrace(project, { env })
    const [, link = ''] = await millrace.until(/(http:\S+\/sign-in#\S+)/, 90_000)
    proxy = await startHttpsProxy({ target: new URL(link).origin, basePath, strips })
    browser = await launchChromium(chromium ?? '')
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ignoreHTTPSErrors: true })
    page = await context.newPage()
    page.setDefaultTimeout(patienceMs)
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('response', (response) => {
      if (response.status() >= 400 && response.status() !== 401) complaints.push(`${response.status()} ${response.url()}`)
    })
    await eventually(
      async () => (await fetch(new URL(link).origin)).status,
      (status) => status === 200,
      patienceMs,
    )
    await page.goto(link.replace(new URL(link).origin, proxy.origin))
    await page.waitForURL((url) => url.pathname === `${basePath}/`)
  }, 300_000)
  afterAll(async () => {
    await browser?.close()
    await proxy?.[Symbol.asyncDispose]()
    await millrace?.[Symbol.asyncDispose]()
    project?.remove()
  })

  test('each page is reached by its link, and again where it stands; nothing is asked for beside the path', async () => {
    const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
    await links.first().waitFor()
    const count = await links.count()
    expect(count).toBeGreaterThan(5)
    for (let i = 0; i < count; i++) {
      const href = (await links.nth(i).getAttribute('href')) ?? ''
      expect(href.startsWith(`${basePath}/`) || href === basePath).toBe(true)
      await links.nth(i).click()
      await page.waitForURL((url) => url.pathname.replace(/\/$/, '') === href.replace(/\/$/, ''))
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.reload()
      await page.getByRole('heading', { level: 1 }).waitFor()
    }
    expect(complaints).toEqual([])
    expect(proxy.strayed).toEqual([])
  })

  test('what changes is shown as it does', async () => {
    await page.goto(`${proxy.origin}${basePath}/dags`)
    const runs = page.getByTestId('dag-user_automation').getByTestId('run-count')
    await expect.poll(() => runs.innerText()).toBe('1')
    expect(run(project, ['trigger', 'user_automation'])).toMatchObject({ code: 0 })
    await expect.poll(() => runs.innerText()).toBe('2')
    await page.getByText('live', { exact: true }).waitFor()
    expect(proxy.strayed).toEqual([])
  })

  test('the session is in a cookie that goes by https to this path alone; signing out ends it', async () => {
    const [cookie] = await page.context().cookies(`${proxy.origin}${basePath}/`)
    expect(cookie).toMatchObject({ name: expect.stringMatching(/^__Secure-millrace_/), secure: true, httpOnly: true, path: `${basePath}/` })
    expect(await page.context().cookies(proxy.origin)).toEqual([])
    await page.getByRole('button', { name: 'admin, admin: menu' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(await page.context().cookies(`${proxy.origin}${basePath}/`)).toEqual([])
  })
})
