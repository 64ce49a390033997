import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/millrace.ts'
import { root } from '../harness/project.ts'

interface PackedFile {
  readonly path: string
}

/** What `npm pack` carries, a user's empty folder, and the path as it is for a user: without what this tree has installed. */
let folder: string
let project: string
let packed: readonly PackedFile[]
let started: ChildProcess | null = null

const usersPath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((dir) => !dir.includes('node_modules'))
  .join(delimiter)
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|MILLRACE_)/i.test(name))),
  PATH: usersPath,
  MILLRACE_KAFKA_PORT: '0',
  MILLRACE_CQL_PORT: '0',
  MILLRACE_REGISTRY_PORT: '0',
  MILLRACE_RANDOMUSER: 'local',
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
  packed = pack(join(folder, 'package'))
  project = join(folder, 'project')
  install()
}, 240_000)

afterAll(async () => {
  if (started !== null && started.exitCode === null) {
    const ended = new Promise((resolve) => started?.once('close', resolve))
    // Its process group: npx, its shell, the launcher, Millrace and its children.
    process.kill(-(started.pid ?? 0), 'SIGKILL')
    await ended
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** What a command prints; throws with all it said when it fails. */
function succeed(command: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status ?? error?.message}):\n${stdout}${stderr}`)
  return stdout
}

/** Builds and packs in a folder of its own, so that the tree stays as it is. */
function pack(dir: string): readonly PackedFile[] {
  succeed('tsc', ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(dir, 'dist')], { cwd: root, env: process.env })
  for (const part of ['bin', 'package.json', 'README.md', 'LICENSE']) cpSync(join(root, part), join(dir, part), { recursive: true })
  const report: readonly { readonly files: readonly PackedFile[] }[] = JSON.parse(
    succeed('npm', ['pack', '--json', '--ignore-scripts'], { cwd: dir, env: environment }),
  )
  return report[0]?.files ?? []
}

function install(): void {
  cpSync(join(root, 'examples/users'), project, { recursive: true, filter: (path) => !/package\.json|node_modules|\.millrace/.test(path) })
  const { version } = packageJson()
  const example: { dependencies: Record<string, string> } = JSON.parse(readFileSync(join(root, 'examples/users/package.json'), 'utf8'))
  const dependencies = { ...example.dependencies, millrace: `file:../package/millrace-${version}.tgz` }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ ...example, dependencies }))
  const pipeline = join(project, 'users.pipeline.ts')
  writeFileSync(pipeline, readFileSync(pipeline, 'utf8').replace("every: '1s', for: '60s'", "every: '50ms', for: '30s'"))
  succeed('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: project, env: environment })
}

function packageJson(): { version: string; exports: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

function millrace(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('npx', ['--no-install', 'millrace', ...args], {
    cwd: project,
    env: environment,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { code: status, stdout, stderr }
}

function check(options: Record<string, unknown>): { code: number | null; stdout: string } {
  const base = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...base, ...options }, include: ['*.ts'] }))
  const { status, stdout } = spawnSync('tsc', ['-p', project], { encoding: 'utf8' })
  return { code: status, stdout }
}

test('the package carries the command, the build, licence and read-me, and no sources, tests or fixtures', () => {
  const paths = packed.map((file) => file.path)
  expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'bin/millrace.mjs', 'dist/authoring/index.js']))
  expect(paths.filter((path) => !/^(bin\/[\w-]+\.mjs|dist\/[\w/-]+\.(js|d\.ts)|LICENSE|README\.md|package\.json)$/.test(path))).toEqual([])
  expect(paths.filter((path) => /\.test\.|fixture|scripted/.test(path))).toEqual([])
  expect(Object.keys(packageJson().exports)).toEqual(['.', './testing', './broker', './cql-store', './registry', './package.json'])
})

test('publint finds nothing in it', () => {
  const { status, stdout } = spawnSync('publint', ['--strict', join(folder, 'package')], { encoding: 'utf8', env: process.env })
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('All good') })
})

test("its types check the author's file, with and without Node's own types", () => {
  expect(check({ types: [], skipLibCheck: true })).toEqual({ code: 0, stdout: '' })
  expect(check({ types: ['node'], typeRoots: [join(root, 'node_modules/@types')], skipLibCheck: false })).toEqual({ code: 0, stdout: '' })
})

test('its types refuse a mistake, as the sources do', () => {
  const mistake = join(project, 'mistake.ts')
  writeFileSync(mistake, `import { randomUser } from 'millrace'\nexport const source = randomUser({ every: '1sec' })\n`)
  try {
    expect(check({ types: [], skipLibCheck: true })).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/mistake\.ts\(2,\d+\).*"1sec"/),
    })
  } finally {
    rmSync(mistake)
  }
})

test('the example runs on it: users reach the table, and it stops with exit code 0', { timeout: 120_000 }, async () => {
  let output = ''
  const child = spawn('npx', ['--no-install', 'millrace', 'start', '--trigger-once', 'user_automation'], {
    cwd: project,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  started = child
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await eventually(
    () => output,
    (text) => child.exitCode !== null || /[1-9]\d* in table/.test(text),
    60_000,
  )
  expect(child.exitCode, output).toBeNull()
  const { rows } = JSON.parse(millrace('--json', 'query', 'SELECT id, email FROM spark_streams.created_users').stdout) as {
    rows: unknown[]
  }
  expect(rows.length).toBeGreaterThan(0)
  expect(millrace('status').stdout).toMatch(/load_users +running/)
  expect(millrace('doctor')).toMatchObject({ code: 0, stdout: expect.stringMatching(/[1-9]\d* in table/) })
  expect(millrace('stop')).toMatchObject({ code: 0, stdout: expect.stringContaining('stopped') })
  expect(await ended).toBe(0)
  expect(existsSync(join(project, '.millrace/api.json'))).toBe(false)
})
