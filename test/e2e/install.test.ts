import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../harness/project.ts'

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const locked: Readonly<Record<string, LockedPackage>> = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages

/** What Node finds for `name` from the package at `path`: the nearest of the folders above it. */
function find(path: string, name: string): LockedPackage | null {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const found = locked[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`]
    if (found) return found
    if (at === '') return null
  }
}

test('the lock lists the packages of every platform: npm 11 and 12 refuse one that leaves them out', () => {
  const wanted = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies).map(([name, version]) => ({ path, name, version })),
  )
  expect(wanted.length).toBeGreaterThan(50)
  expect(wanted.filter(({ path, name, version }) => !isRight(find(path, name), version))).toEqual([])
})

/** Optional packages of a platform are named by exact version; `fsevents` alone is a range. */
function isRight(found: LockedPackage | null, version: string): boolean {
  return found !== null && (/^\d/.test(version) ? found.version === version : true)
}

test('the lock names no registry', () => {
  expect(Object.values(locked).filter(({ resolved }) => resolved?.startsWith('http'))).toEqual([])
})

test('no install script is needed: each is refused by name, so that npm 12 has nothing to ask', () => {
  const { allowScripts }: { allowScripts: Record<string, boolean> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const withScript = Object.entries(locked)
    .filter(([path, { hasInstallScript }]) => hasInstallScript && !path.endsWith('/fsevents'))
    .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
  expect(Object.keys(allowScripts).toSorted()).toEqual(withScript.toSorted())
  expect(Object.values(allowScripts)).not.toContain(true)
})

test("the machine's own Node, however old, starts the command and the scripts on Node 24", () => {
  const withoutOurs = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((dir) => !dir.includes('node_modules'))
    .join(delimiter)
  const run = (...args: string[]): { status: number | null; stdout: string } =>
    spawnSync('node', args, { cwd: root, encoding: 'utf8', env: { ...process.env, PATH: withoutOurs } })
  expect(run('bin/millrace.mjs', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: millrace') })
  expect(run('scripts/run.mjs', 'node', '--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^v24\./) })
  expect(run('scripts/run.mjs', 'sh', '-c', 'node --version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^v24\./) })
})

test('where packages were left out, one line says what to do', () => {
  const empty = mkdtempSync(join(tmpdir(), 'millrace-install-'))
  try {
    for (const part of ['bin', 'scripts']) cpSync(join(root, part), join(empty, part), { recursive: true })
    for (const args of [
      ['bin/millrace.mjs', 'start'],
      ['scripts/run.mjs', 'node', 'scripts/test.mjs'],
    ]) {
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: empty, encoding: 'utf8' })
      expect({ status, stderr }).toEqual({
        status: 69,
        stderr: 'millrace: packages are missing: run "npm ci" (or "npm install"), and without --omit=optional.\n',
      })
    }
  } finally {
    rmSync(empty, { recursive: true })
  }
})

test('a script ends with the exit code of what it ran', () => {
  const { status } = spawnSync(process.execPath, ['scripts/run.mjs', 'node', '-e', 'process.exit(7)'], { cwd: root })
  expect(status).toBe(7)
})
