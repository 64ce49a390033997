import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiClient, readApiAddress, type ApiClient } from '../../src/api-client/index.ts'
import { names } from '../../src/core/index.ts'
import { messageOf } from '../../src/platform/index.ts'
import { startMillrace, type Started } from '../harness/millrace.ts'
import { root, type TestProject } from '../harness/project.ts'
import { startProxy } from '../harness/proxy.ts'
import { Progress } from './progress.ts'
import type { Scenario } from './scenarios.ts'
import type { System } from './systems.ts'
import { generateUsers, startUsersApi } from './users-api.ts'
import { verify, type Verdict } from './verify.ts'

export interface FaultRun extends Verdict {
  readonly system: string
  readonly scenario: string
  readonly seed: number
  /** From the end of the fault until records and rows came again; null when there was nothing left to do, Infinity when none came. */
  readonly resumedAfterS: number | null
  readonly seconds: number
  /** PSS of all processes, the most before the end of the fault and after it. */
  readonly memoryMb: { readonly before: number; readonly after: number }
  /** What went wrong beside lost records; null when all went well. */
  readonly failure: string | null
}

export interface RunOptions {
  readonly kcat: string
  /** Versions of users, in pages of 500. */
  readonly users: number
  readonly poison: number
  readonly faultMs: number
  readonly seed: number
}

/** The fault begins when this share of the rows is in the table. */
const BEGIN_AT = 0.2
/** Without any progress for so long, with everything there, a run has failed. */
const STILL_MS = 90_000

let made = 0

/** Where nothing could be read, all is lost. */
const unread = ({ length }: readonly unknown[], why: string): Verdict => ({
  recordsIn: length,
  rowsOut: 0,
  lost: length,
  examples: [why],
  doubledInTopic: 0,
  deadLetters: 0,
  doubledDeadLetters: 0,
})

/** One run of the test pipeline with one fault in it, from its first record to its last row. */
export async function runFault(system: System, scenario: Scenario, options: RunOptions): Promise<FaultRun> {
  const startedMs = performance.now()
  const users = generateUsers(options.seed, options.users, options.poison)
  await using api = await startUsersApi(users)
  await using apiProxy = await startProxy({ target: { host: '127.0.0.1', port: api.port } })
  const name = `faults_${process.pid}_${++made}`
  const [topic, group] = [`users_${name}`, names.group(name, 'load_users')]
  const project = createFaultProject(name, topic, `http://${apiProxy.address}/users`)
  const millrace = startMillrace(project, { args: ['--trigger-once', 'load'], env: system.env })
  try {
    await using progress = new Progress({ port: system.kafka.port, topic, group, pid: millrace.pid })
    const wanted = { produced: users.length, written: users.length }
    let failure: string | null = null
    if (!(await progress.until(({ written }) => written >= users.length * BEGIN_AT, STILL_MS)))
      failure = `it did not begin: ${millrace.output()}`
    else await scenario.run({ system, api: apiProxy, faultMs: options.faultMs, seed: options.seed })
    const endMs = performance.now()
    const ends = ({ produced, written }: { produced: number; written: number }): boolean => produced >= users.length && written >= produced
    if (failure === null && !(await progress.until(ends, STILL_MS))) failure = 'it did not end'
    failure ??= await runFailure(project, millrace, ends, progress)
    const found = { ...options, ...directly(system), topic, deadLetterTopic: names.deadLetters(name, 'load_users'), keyspace: name }
    return {
      ...(await verify(users, found).catch((error: unknown) => unread(users, messageOf(error)))),
      system: system.title,
      scenario: scenario.name,
      seed: options.seed,
      resumedAfterS: progress.resumedAfterS(endMs, wanted),
      seconds: (performance.now() - startedMs) / 1_000,
      memoryMb: progress.memoryMb(endMs),
      failure,
    }
  } finally {
    if (process.env.MILLRACE_FAULT_LOG) writeFileSync(`${process.env.MILLRACE_FAULT_LOG}.${name}`, readLog(project))
    await millrace[Symbol.asyncDispose]()
    project.remove()
  }
}

const directly = (system: System): { bootstrapServer: string; contactPoint: string } => ({
  bootstrapServer: system.kafka.bootstrapServer,
  contactPoint: system.cassandra.contactPoint,
})

/** Null when the run of the DAG has succeeded, the last records of a repeated page are in the table too, and Millrace ends in order. */
async function runFailure(
  project: TestProject,
  millrace: Started,
  ends: (sample: { produced: number; written: number }) => boolean,
  progress: Progress,
): Promise<string | null> {
  const api = apiOf(project)
  const endMs = performance.now() + 60_000
  for (;;) {
    const [run] = await api.runs()
    if (run?.state === 'failed') return `the run of the DAG failed: ${run.reason}`
    if (run?.state === 'success') break
    if (performance.now() > endMs) return `the run of the DAG is still ${run?.state}`
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  if (!(await progress.until(ends, STILL_MS))) return 'not all rows came'
  const code = await millrace.stop()
  return code === 0 ? null : `Millrace ended with ${code}`
}

function apiOf(project: TestProject): ApiClient {
  const address = readApiAddress(project.dataDir)
  if (address === null) throw new Error('Millrace has not written where its API is')
  return createApiClient(address.socket)
}

function readLog(project: TestProject): string {
  const path = join(project.dataDir, 'logs/millrace.log')
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

function createFaultProject(name: string, topic: string, url: string): TestProject {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
  cpSync(join(import.meta.dirname, 'project'), dir, { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  const edit = (file: string, change: (code: string) => string): void =>
    writeFileSync(join(dir, file), change(readFileSync(join(dir, file), 'utf8')))
  const editPipeline = (change: (code: string) => string): void => edit('users.pipeline.ts', change)
  edit('millrace.config.ts', (code) => code.replace("'faults'", `'${name}'`))
  editPipeline((code) =>
    code
      .replace("topic('users'", `topic('${topic}'`)
      .replace("cassandraTable('faults'", `cassandraTable('${name}'`)
      .replace('http://127.0.0.1:1/users', url),
  )
  return {
    dir,
    dataDir: join(dir, '.millrace'),
    pipelinePath: join(dir, 'users.pipeline.ts'),
    edit: editPipeline,
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  }
}
