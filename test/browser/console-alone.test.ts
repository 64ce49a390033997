import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startConsoleAlone, type AloneConsole, type Clusters } from '../harness/console-alone.ts'
import { namedBy, writeOrders, type WrittenOrders } from '../harness/console-alone-suite.ts'
import { eventually, runAlone } from '../harness/millrace.ts'
import { serveClusters, ServedParts } from '../harness/served.ts'
import { findChromium, launchChromium } from './chromium.ts'
import { cqlsh, cqlshRows, kcat, kcatLines, patienceMs } from './console-under-test.ts'

const chromium = findChromium()

describe.skipIf(chromium === null || kcat === null || cqlsh === null)('the console alone, below a base path', () => {
  const parts = new ServedParts({})
  let clusters: Clusters
  let orders: WrittenOrders
  let alone: AloneConsole
  let browser: Browser
  let page: Page
  /** Each request that might change something, as the browser sent it. */
  const changes: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    clusters = await serveClusters(parts)
    orders = await writeOrders(clusters)
    alone = await startConsoleAlone([...namedBy(clusters), '--base-path', '/mill'])
    browser = await launchChromium(chromium ?? '')
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    page.setDefaultTimeout(patienceMs)
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      const path = new URL(request.url()).pathname.replace('/mill/api/v1', '')
      if (request.method() !== 'GET' && path !== '/session') changes.push(`${request.method()} ${path} ${request.postData() ?? ''}`)
    })
    await eventually(
      async () => (await fetch(alone.address)).status,
      (status) => status === 200,
      patienceMs,
    )
    await page.goto(newLink())
    await page.waitForURL((url) => url.pathname === '/mill/')
  }, 300_000)
  afterAll(async () => {
    await browser?.close()
    await alone?.[Symbol.asyncDispose]()
    await parts[Symbol.asyncDispose]()
  })

  /** The one that was printed has signed the test itself in. */
  function newLink(): string {
    return runAlone(['open'], { env: { MILLRACE_DATA_DIR: alone.dataDir } }).stdout.trim()
  }

  const goto = async (path: string): Promise<void> => {
    await page.goto(alone.address + path)
    await page.getByRole('heading', { level: 1 }).waitFor()
  }
  const inTopic = (): string[] => kcatLines(['-b', clusters.kafka, '-C', '-t', orders.topic, '-e', '-q', '-f', '%p:%o %k\n'])
  const inTable = (): string[] =>
    cqlshRows(clusters.cassandra, `SELECT id, amount FROM ${orders.keyspace}.orders`)
      .map((line) => line.split(/\s*\|\s*/).join(' | '))
      .toSorted()
  const cells = async (label: RegExp): Promise<string[]> => {
    const rows = page.getByRole('table', { name: label }).getByRole('row')
    await rows.nth(orders.ids.length).waitFor()
    const shown = await Promise.all((await rows.all()).slice(1).map((row) => row.getByRole('cell').allInnerTexts()))
    return shown.map((row) => row.join(' | ')).toSorted()
  }

  test('it says how the clusters are, and has no pages of pipelines', async () => {
    await page.getByTestId('clusters').getByText('All clusters answer').waitFor()
    for (const part of ['kafka', 'cassandra', 'registry']) await page.getByTestId(`part-${part}`).getByText('ok', { exact: true }).waitFor()
    const places = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts()
    expect(places).toEqual(['Overview', 'Topics', 'Tables', 'Follow a record', 'Audit log'])
    for (const path of ['/dags', '/dead-letters', '/users']) {
      await goto(path)
      await page.getByRole('heading', { name: 'There is no such page here' }).waitFor()
    }
  })

  test('topics, records, groups and rows are those of kcat and cqlsh', async () => {
    await goto('/')
    await page.getByRole('link', { name: 'Topics' }).click()
    expect(await page.getByTestId(`topic-${orders.topic}`).getByTestId('offsets').innerText()).toBe(String(inTopic().length))
    await page.getByRole('link', { name: orders.topic }).click()
    for (const [i, line] of inTopic().entries()) {
      const [at = '', key = ''] = line.split(' ')
      const row = page.getByTestId(`record-${at}`)
      await row.getByText(key).first().waitFor()
      await row
        .getByText(`"amount":${i + 1}`)
        .first()
        .waitFor()
    }
    await page.getByRole('tab', { name: 'Groups' }).click()
    await page.getByText(orders.group).waitFor()
    await page.getByRole('link', { name: 'Tables' }).click()
    await page.getByRole('link', { name: `${orders.keyspace}.orders` }).click()
    expect(await cells(/^Rows of orders/)).toEqual(inTable())
  })

  test('the editor reads, and says that it may no more', async () => {
    await goto('/cql')
    await page.getByRole('textbox', { name: 'Statement' }).fill(`SELECT id, amount FROM ${orders.keyspace}.orders`)
    await page.getByRole('button', { name: 'Run' }).click()
    expect(await cells(/^Result/)).toEqual(inTable())
    await page.getByRole('textbox', { name: 'Statement' }).fill(`TRUNCATE ${orders.keyspace}.orders`)
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText('This console only reads').waitFor()
    expect(inTable()).toHaveLength(orders.ids.length)
  })

  test('a key is followed to its record and its row', async () => {
    await goto('/follow')
    await page.getByRole('textbox', { name: 'Key of the record' }).fill('o-1')
    await page.getByRole('button', { name: 'Follow' }).click()
    await page.getByTestId(`follow-${orders.topic}`).getByText(`read by ${orders.group}`).waitFor()
    await page.getByTestId(`follow-${orders.keyspace}.orders`).getByText('"amount"').first().waitFor()
  })

  test('no button of any page writes: each is pressed', { timeout: 600_000 }, async () => {
    const [records, rows] = [inTopic(), inTable()]
    changes.length = 0
    const topic = `/topics/${orders.topic}?tab=`
    /** How many buttons there are at least, once what a page shows has come. */
    const pages: readonly [path: string, buttons: number][] = [
      ['/', 0],
      ['/topics', 0],
      [`${topic}newest`, orders.ids.length],
      [`${topic}live`, 0],
      [`${topic}search`, 1],
      [`${topic}produce`, 0],
      [`${topic}partitions`, 0],
      [`${topic}groups`, 0],
      [`${topic}configs`, 0],
      ['/tables', 0],
      [`/tables/${orders.keyspace}/orders`, 2],
      ['/cql', 1],
      ['/follow?key=o-1', 1],
      ['/audit', 0],
    ]
    const buttons = page.getByRole('main').getByRole('button')
    let pressed = 0
    for (const [path, least] of pages) {
      const open = async (): Promise<number> => {
        await goto(path)
        return eventually(
          () => buttons.count(),
          (count) => count >= least,
          patienceMs,
        )
      }
      for (let i = 0; i < (await open()); i++) {
        await buttons.nth(i).click({ force: true })
        pressed++
      }
    }
    expect(pressed).toBeGreaterThanOrEqual(pages.reduce((sum, [, least]) => sum + least, 0))
    expect(changes.filter((change) => !change.startsWith('POST /cql {"cql":"SELECT '))).toEqual([])
    expect([inTopic(), inTable()]).toEqual([records, rows])
    expect(complaints).toEqual([])
  })
})
