import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe } from 'vitest'
import { artifactDir, ensureArtifacts, isComplete } from '../../tools/engines/artifacts.ts'
import type { System } from '../../tools/engines/system.ts'
import { judgedBy } from '../harness/judges.ts'
import { titlesOf, enginesAvailable } from './available.ts'

/** What `confluent-kafka` and its registry client import, and `kafka-python` and `aiokafka` with the codecs that they leave to others. */
const clients = {
  title: 'Python clients',
  artifacts: [
    {
      is: 'pip',
      packages: [
        'confluent-kafka==2.16.0',
        'anyio==4.16.0',
        'attrs==26.1.0',
        'authlib==1.9.9',
        'cachetools==8.0.1',
        'certifi==2026.10.18',
        'cffi==2.1.1',
        'cryptography==50.0.2',
        'fastavro==1.13.1',
        'h11==0.16.0',
        'httpcore2==2.16.2',
        'httpx2==2.16.2',
        'idna==3.20',
        'joserfc==1.8.0',
        'truststore==0.10.5',
        'typing_extensions==4.16.0',
        'kafka-python==3.0.12',
        'python-snappy==0.7.3',
        'cramjam==2.14.0',
        'lz4==4.4.5',
        'zstandard==0.25.0',
        'aiokafka==0.14.0',
        'async-timeout==5.0.1',
        'packaging==26.3',
      ],
    },
  ],
} as const

/** Of one script: many times what it takes on a quiet machine. */
const TIMEOUT_MS = 500_000

/** Packages of PyPI that come with pip. */
export type PythonPackages = Pick<System, 'title' | 'artifacts'>

/** What is lacking to run Python clients; null: nothing. In CI they must run. */
export function missingPython(packages: PythonPackages = clients): string | null {
  const has = (...args: string[]): boolean => spawnSync('python3', args, { timeout: 30_000 }).status === 0
  const lacking = isComplete(artifactDir(packages))
    ? has('--version') || 'Python is not installed (Debian: apt-get install python3)'
    : has('-m', 'pip', '--version') || 'Python with pip is not installed (Debian: apt-get install python3-pip)'
  if (lacking === true) return null
  if (process.env.CI === 'true') throw new Error(`Python clients must run in CI. ${lacking}`)
  return lacking
}

/** A package with its version: `kafka-python 3.0.12`. */
export function pythonPackageTitle(name: string): string {
  return clients.artifacts[0].packages.find((each) => each.startsWith(`${name}==`))?.replace('==', ' ') ?? name
}

/**
 * A suite of one of the Python clients on these real systems, which judge it then, or on the embedded parts without any; left out
 * with a note where one is missing.
 */
export function describePython(client: string, names: readonly string[], title: string, body: () => void): void {
  const lacking = missingPython()
  if (lacking !== null) console.warn(`left out: ${title}: ${lacking}`)
  const judges = names.length === 0 ? [pythonPackageTitle(client)] : titlesOf(names)
  describe(`${client}: ${title}`, { skip: lacking !== null || !enginesAvailable(names), ...judgedBy(...judges) }, body)
}

/** The folder of the packages, which come when they are not there. */
export function bringPythonClients(): Promise<string> {
  return ensureArtifacts(clients)
}

/** Runs a script of `data/` with the clients, and resolves to the JSON line that it prints; rejects with what it said. */
export async function runPython(script: string, ...args: readonly string[]): Promise<unknown> {
  return runPythonWith(clients, script, ...args)
}

/** The same with other packages. */
export async function runPythonWith(packages: PythonPackages, script: string, ...args: readonly string[]): Promise<unknown> {
  const lib = await ensureArtifacts(packages)
  const child = spawn('python3', [join(import.meta.dirname, 'data', script), ...args], {
    env: { ...process.env, PYTHONPATH: lib, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...ended) => resolve(ended))
  })
  if (code !== 0) throw new Error(`${script} ended (${signal ?? code}): ${output.stderr}`)
  return JSON.parse(output.stdout)
}

/** The same of a script that prints one object: its checks with what they saw. */
export async function runPythonChecks(script: string, servers: string): Promise<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(Object(await runPython(script, servers))))
}
