import { spawnSync } from 'node:child_process'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { StatusView } from '../../src/core/index.ts'
import { eventually, run, runJson, startMillrace, type CommandResult, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { findTool, runTool } from '../harness/tools.ts'
import { findChromium, launchChromium } from './chromium.ts'

/** A Millrace with its console open in a browser, signed in by the link that its start printed. */
export interface ConsoleUnderTest extends AsyncDisposable {
  readonly project: TestProject
  /** The one that runs now. */
  readonly millrace: Started
  readonly browser: Browser
  readonly page: Page
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** What the pages said to the browser's console: errors there fail the suite. */
  readonly complaints: string[]
  /** The command line, asked at this moment. */
  cli(...args: string[]): CommandResult
  cliJson<T>(...args: string[]): T
  status(): StatusView
  goto(path: string): Promise<void>
  /** `kill -9` of Millrace and all its children; the browser stays. */
  kill(): Promise<void>
  /** Starts it again at the same address, without triggering anything. */
  startAgain(): Promise<void>
  /** A page of somebody else's browser. */
  otherPage(): Promise<Page>
}

export interface ConsoleOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly pace?: string
}

export async function openConsole({ env = {}, pace = "every: '20ms', pages: 30" }: ConsoleOptions = {}): Promise<ConsoleUnderTest> {
  const project = createProject(pace)
  let millrace = startMillrace(project, { env })
  const executable = findChromium()
  if (executable === null) throw new Error('there is no Chromium')
  const browser = await launchChromium(executable)
  const complaints: string[] = []
  const cliEnv = { env }
  try {
    const [, link = ''] = await millrace.until(/(http:\S+\/sign-in#\S+)/, 60_000)
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const page = await signedIn(context, link, complaints)
    const url = new URL(link).origin
    return {
      project,
      get millrace() {
        return millrace
      },
      browser,
      page,
      url,
      complaints,
      cli: (...args) => run(project, args, cliEnv),
      cliJson: (...args) => runJson(project, args, cliEnv),
      status: () => runJson<StatusView>(project, ['status'], cliEnv),
      goto: async (path) => {
        await page.goto(url + path)
      },
      kill: () => millrace.killTree(),
      startAgain: async () => {
        millrace = startMillrace(project, { args: [], env: { ...env, MILLRACE_CONSOLE_PORT: new URL(url).port } })
        await eventually(
          () =>
            fetch(`${url}/healthz`).then(
              ({ status }) => status,
              () => 0,
            ),
          (status) => status === 200,
          patienceMs,
        )
      },
      otherPage: async () => openPage(await browser.newContext({ viewport: { width: 1440, height: 900 } }), complaints),
      [Symbol.asyncDispose]: async () => {
        await browser.close()
        await millrace[Symbol.asyncDispose]()
        project.remove()
      },
    }
  } catch (error) {
    await browser.close()
    await millrace[Symbol.asyncDispose]()
    project.remove()
    throw error
  }
}

/** However slow the machine is: whoever waits this long waits for what does not come. */
export const patienceMs = 150_000

/** What the API refuses (nobody is signed in yet, a statement is wrong), or that Millrace was killed, a browser notes by itself. */
const saysByItself = /the server responded with a status of (?:4\d\d|50[23])|net::ERR_/

async function signedIn(context: BrowserContext, link: string, complaints: string[]): Promise<Page> {
  const page = await openPage(context, complaints)
  // A checkout builds the console at the first page that is asked for.
  await eventually(
    async () => (await fetch(new URL('/', link))).status,
    (status) => status === 200,
    120_000,
  )
  await page.goto(link)
  await page.waitForURL((url) => url.pathname === '/')
  await page.getByText('live', { exact: true }).waitFor()
  return page
}

async function openPage(context: BrowserContext, complaints: string[]): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(patienceMs)
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !saysByItself.test(message.text())) complaints.push(message.text())
  })
  return page
}

/** Other people's clients, which judge what a page shows. */
export const kcat = findTool('kcat', 'MILLRACE_KCAT')
export const cqlsh = findTool('cqlsh', 'MILLRACE_CQLSH')

export function kcatLines(args: readonly string[]): string[] {
  if (kcat === null) throw new Error('kcat is not installed')
  const { stdout, stderr, code } = runTool(kcat, args)
  if (code !== 0) throw new Error(`kcat ${args.join(' ')}: ${stderr}`)
  return stdout.split('\n').filter((line) => line !== '')
}

export function produceByKcat(kafka: string, topic: string, key: string, value: string, headers: readonly string[] = []): void {
  if (kcat === null) throw new Error('kcat is not installed')
  const { status, stderr } = spawnSync(kcat, ['-b', kafka, '-P', '-t', topic, '-k', key, ...headers.flatMap((header) => ['-H', header])], {
    input: value,
    encoding: 'utf8',
    timeout: 30_000,
  })
  if (status !== 0) throw new Error(`kcat: ${stderr}`)
}

/** The rows' texts of one statement. */
export function cqlshRows(contactPoint: string, cql: string): string[] {
  if (cqlsh === null) throw new Error('cqlsh is not installed')
  const [host = '', port = ''] = contactPoint.split(':')
  const { stdout, stderr, code } = runTool(cqlsh, [host, port, '--no-color', '-e', cql])
  if (code !== 0) throw new Error(`cqlsh: ${stderr}`)
  const lines = stdout.split('\n')
  const from = lines.findIndex((line) => /^-[-+]*$/.test(line.trim()))
  return lines
    .slice(from + 1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^\(\d+ rows?\)$/.test(line))
}

/** Where Kafka and Cassandra answer, by the status. */
export function addresses(console: ConsoleUnderTest): { kafka: string; cassandra: string } {
  const { parts } = console.status()
  const of = (name: string): string => parts.find((part) => part.name === name)?.address ?? ''
  return { kafka: of('kafka'), cassandra: of('cassandra') }
}
