import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/millrace.ts'
import { packMillrace, succeed, usersEnvironment, type PackedFile } from '../harness/packed.ts'
import { root } from '../harness/project.ts'

/** What `npm pack` carries, and a user's empty folder. */
let folder: string
let project: string
let packed: readonly PackedFile[]
let started: ChildProcess | null = null

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
  packed = packMillrace(join(folder, 'package'))
  project = join(folder, 'project')
  install()
}, 400_000)

afterAll(async () => {
  if (started !== null && started.exitCode === null) {
    const ended = new Promise((resolve) => started?.once('close', resolve))
    // Its process group: npx, its shell, the launcher, Millrace and its children.
    process.kill(-(started.pid ?? 0), 'SIGKILL')
    await ended
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** A service of the user's own, beside the pipeline. */
const service = `import { connect } from 'millrace/client'
import { createdUsers, usersCreated } from './users.pipeline.ts'

await using millrace = await connect()
const first = Promise.withResolvers<string>()
millrace.consume(usersCreated, { group: 'service' }, (user) => first.resolve(user.id))
const row = await millrace.get(createdUsers, { id: await first.promise })
console.log(row === null ? 'no row yet' : row.email)
`

function install(): void {
  cpSync(join(root, 'examples/users'), project, { recursive: true, filter: (path) => !/package\.json|node_modules|\.millrace/.test(path) })
  const { version } = packageJson()
  const example: { dependencies: Record<string, string> } = JSON.parse(readFileSync(join(root, 'examples/users/package.json'), 'utf8'))
  const dependencies = { ...example.dependencies, millrace: `file:../package/millrace-${version}.tgz` }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ ...example, dependencies }))
  const pipeline = join(project, 'users.pipeline.ts')
  writeFileSync(pipeline, readFileSync(pipeline, 'utf8').replace("every: '1s', for: '60s'", "every: '50ms', for: '30s'"))
  writeFileSync(join(project, 'service.mts'), service)
  succeed('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: project, env: usersEnvironment })
}

function packageJson(): { version: string; exports: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

function millrace(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('npx', ['--no-install', 'millrace', ...args], {
    cwd: project,
    env: usersEnvironment,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { code: status, stdout, stderr }
}

function check(options: Record<string, unknown>, include: readonly string[] = ['*.ts']): { code: number | null; stdout: string } {
  const base = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...base, ...options }, include }))
  const { status, stdout } = spawnSync('tsc', ['-p', project], { encoding: 'utf8' })
  return { code: status, stdout }
}

test('the package carries the command, the build, licence and read-me, and no sources, tests or fixtures', () => {
  const paths = packed.map((file) => file.path)
  expect(paths).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'package.json',
      'bin/millrace.mjs',
      'dist/authoring/index.js',
      'console/dist/index.html',
    ]),
  )
  expect(
    paths.filter(
      (path) =>
        !/^(bin\/[\w-]+\.mjs|dist\/[\w/-]+\.(js|d\.ts)|console\/dist\/[\w./-]+|template\/[\w.-]+|LICENSE|README\.md|package\.json)$/.test(
          path,
        ),
    ),
  ).toEqual([])
  expect(paths.filter((path) => /^dist.*\.test\.|fixture|scripted/.test(path))).toEqual([])
  expect(Object.keys(packageJson().exports)).toEqual([
    '.',
    './client',
    './testing',
    './broker',
    './cql-store',
    './registry',
    './package.json',
  ])
})

test('publint finds nothing in it', () => {
  const { status, stdout } = spawnSync('publint', ['--strict', join(folder, 'package')], { encoding: 'utf8', env: process.env })
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('All good') })
})

test("its types check the author's file, with and without Node's own types", () => {
  expect(check({ types: [], skipLibCheck: true })).toEqual({ code: 0, stdout: '' })
  expect(check({ types: ['node'], typeRoots: [join(root, 'node_modules/@types')], skipLibCheck: false })).toEqual({ code: 0, stdout: '' })
})

test("its types check a user's service", () => {
  const options = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')], skipLibCheck: false, allowImportingTsExtensions: true }
  expect(check({ ...options, lib: ['es2024', 'esnext.disposable'] }, ['service.mts'])).toEqual({ code: 0, stdout: '' })
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

test('the example runs on it: users reach the table, and it stops with exit code 0', { timeout: 240_000 }, async () => {
  let output = ''
  const child = spawn('npx', ['--no-install', 'millrace', 'start', '--trigger-once', 'user_automation'], {
    cwd: project,
    env: usersEnvironment,
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
  expect(succeed(process.execPath, ['service.mts'], { cwd: project, env: usersEnvironment })).toMatch(/@|no row yet/)
  expect(millrace('status').stdout).toMatch(/load_users +running/)
  expect(millrace('doctor')).toMatchObject({ code: 0, stdout: expect.stringMatching(/[1-9]\d* in table/) })
  expect(millrace('stop')).toMatchObject({ code: 0, stdout: expect.stringContaining('stopped') })
  expect(await ended).toBe(0)
  expect(existsSync(join(project, '.millrace/api.json'))).toBe(false)
})
