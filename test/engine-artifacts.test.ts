import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ensureArtifacts, isComplete } from '../tools/engines/artifacts.ts'

const client = {
  title: 'a compiled client',
  artifacts: [{ is: 'npm', packages: ['client@1.0.0'], nodeAbi: '0', libraries: 'system', env: {}, leftOver: [] }],
} as const

const { execPath } = process
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-artifacts-'))
  // The npm beside the Node that runs this is taken first.
  process.execPath = join(folder, 'node')
  vi.stubEnv('MILLRACE_ENGINES_CACHE', folder)
})
afterEach(() => {
  process.execPath = execPath
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Called as `npm install --prefix <dir> …`. */
function npmIs(...lines: readonly string[]): void {
  writeFileSync(join(folder, 'npm'), ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 })
}
const compiles = 'mkdir -p "$3/node_modules/client/build" && echo machine > "$3/node_modules/client/build/client.node"'

test('a package is compiled also where npm is set to run no scripts', async () => {
  vi.stubEnv('npm_config_ignore_scripts', 'true')
  npmIs('[ "$npm_config_ignore_scripts" = true ] ||', compiles)
  expect(isComplete(await ensureArtifacts(client))).toBe(true)
})

test('what npm left uncompiled is not taken for whole: that is said, with where all of it was written', async () => {
  npmIs('echo "added 1 package"')
  const failure = await ensureArtifacts(client).catch((error: unknown) => String(error))
  expect(failure).toContain('The artifacts of a compiled client did not come: npm compiled nothing of client@1.0.0')
  npmIs('echo "gyp ERR! no compiler" >&2', 'exit 1')
  const broken = await ensureArtifacts(client).catch((error: unknown) => String(error))
  expect(broken).toContain('gyp ERR! no compiler')
  expect(readFileSync(/All of it: (.*)$/.exec(broken)?.[1] ?? '', 'utf8')).toContain('no compiler')
  npmIs(compiles)
  expect(isComplete(await ensureArtifacts(client))).toBe(true)
})
