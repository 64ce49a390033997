import { execFile, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { artifactDir, ensureArtifacts, isComplete } from '../../tools/engines/artifacts.ts'
import { cacheDir } from '../../tools/engines/cache.ts'
import type { Artifacts } from '../../tools/engines/system.ts'

/** What a program is told on its standard input, never by its arguments: they can be seen (P8). */
export interface Where {
  readonly host: string
  readonly port: number
  readonly keyspace: string
  /** Paths of files, but for the two first. */
  readonly secured?: { username: string; password: string; ca: string; cert: string; key: string }
}

interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A program of `data/drivers` in the language of its driver: it works with the store and prints one JSON line of what it saw. */
export interface DriverProgram {
  /** Of the driver, with its version. */
  readonly title: string
  /** What is lacking to run it; null: nothing. */
  lacking(): string | null
  /** Brings its libraries and compiles it, into the cache. */
  build(): Promise<Command>
  input(where: Where): string
}

const sources = join(import.meta.dirname, 'data/drivers')
const BUILD_TIMEOUT_MS = 300_000
const RUN_TIMEOUT_MS = 100_000

const runs = (file: string, ...args: string[]): boolean => spawnSync(file, args, { timeout: 30_000 }).status === 0
const linesOf = ({ host, port, keyspace, secured }: Where): string =>
  [host, port, keyspace, ...(secured ? [secured.username, secured.password, secured.ca, secured.cert, secured.key] : [])].join('\n')

function artifactsOf(title: string, artifacts: readonly Artifacts[]): { title: string; artifacts: readonly Artifacts[] } {
  return { title, artifacts }
}

const pythonLibraries = artifactsOf('the Python driver', [
  { is: 'pip', packages: ['cassandra-driver==3.30.1', 'geomet==1.1.0', 'lz4==4.4.5'] },
])

const javaLibraries = artifactsOf('the Java driver', [
  {
    is: 'maven',
    coordinates: [
      'org.apache.cassandra:java-driver-core:4.19.0',
      'org.apache.cassandra:java-driver-mapper-runtime:4.19.0',
      'org.apache.cassandra:java-driver-mapper-processor:4.19.0',
      'org.lz4:lz4-java:1.8.0',
      'org.slf4j:slf4j-nop:1.7.36',
    ],
  },
])

/** A program compiled from these sources once; another text, or other libraries, are another folder. */
async function compiled(name: string, files: readonly string[], more: string, compile: (into: string) => Promise<void>): Promise<string> {
  const digest = createHash('sha256').update(more)
  for (const file of files) digest.update(readFileSync(join(sources, file)))
  const dir = join(cacheDir(), 'programs', `${name}-${digest.digest('hex').slice(0, 12)}`)
  if (existsSync(dir)) return dir
  const partial = `${dir}.partial-${process.pid}`
  mkdirSync(partial, { recursive: true })
  try {
    await compile(partial)
    renameSync(partial, dir)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return dir
}

export const driverPrograms: readonly DriverProgram[] = [
  {
    title: 'cassandra-driver 3.30.1 for Python',
    lacking: () => {
      if (isComplete(artifactDir(pythonLibraries))) return runs('python3', '--version') ? null : 'Python is not installed'
      return runs('python3', '-m', 'pip', '--version') ? null : 'Python with pip is not installed (Debian: apt-get install python3-pip)'
    },
    build: async () => ({
      file: 'python3',
      args: [join(sources, 'driver.py')],
      env: { PYTHONPATH: await ensureArtifacts(pythonLibraries), PYTHONDONTWRITEBYTECODE: '1' },
    }),
    input: (where) => JSON.stringify(where),
  },
  {
    title: 'java-driver 4.19.0',
    lacking: () => {
      if (!runs('javac', '-version')) return 'there is no Java compiler (Debian: apt-get install openjdk-17-jdk-headless)'
      return isComplete(artifactDir(javaLibraries)) || runs('mvn', '--version')
        ? null
        : 'Maven is not installed (Debian: apt-get install maven)'
    },
    build: async () => {
      const jars = join(await ensureArtifacts(javaLibraries), '*')
      const file = join('java', 'Judged.java')
      const classes = await compiled('java', [file], JSON.stringify(javaLibraries), async (into) => {
        await promisify(execFile)('javac', ['-d', into, '-cp', jars, join(sources, file)], { timeout: BUILD_TIMEOUT_MS })
      })
      return { file: 'java', args: ['-Xmx256m', '-cp', `${classes}:${jars}`, 'Judged'] }
    },
    input: linesOf,
  },
  {
    title: 'gocql 2.1.2',
    lacking: () => (runs('go', 'version') ? null : 'Go is not installed (Debian: apt-get install golang-go)'),
    build: async () => {
      const files = ['main.go', 'go.mod', 'go.sum'].map((name) => join('gocql', name))
      const dir = await compiled('gocql', files, '', async (into) => {
        const go = join(cacheDir(), 'go')
        const env = {
          ...process.env,
          GOMODCACHE: join(go, 'mod'),
          GOCACHE: join(go, 'build'),
          GOTOOLCHAIN: 'local',
          GOFLAGS: '-modcacherw',
        }
        await promisify(execFile)('go', ['build', '-o', join(into, 'judged'), '.'], {
          cwd: join(sources, 'gocql'),
          env,
          timeout: BUILD_TIMEOUT_MS,
        })
      })
      return { file: join(dir, 'judged'), args: [] }
    },
    input: (where) => JSON.stringify(where),
  },
]

/** Runs a program against a server, and resolves to the JSON line that it prints; rejects with what it said. */
export async function runDriver(program: DriverProgram, where: Where): Promise<Record<string, unknown>> {
  const { file, args, env } = await program.build()
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'], timeout: RUN_TIMEOUT_MS })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  child.stdin.end(program.input(where))
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...ended) => resolve(ended))
  })
  if (code !== 0) throw new Error(`${program.title} ended (${signal ?? code}): ${output.stderr.slice(-4_000)}`)
  return JSON.parse(output.stdout)
}
