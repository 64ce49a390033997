import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureCredentials, openDataFolder } from './data-folder.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-data-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Opens the folder in a process of its own, as another Millrace would. */
function openElsewhere(): string {
  const code = `const { openDataFolder } = await import('${join(import.meta.dirname, 'data-folder.ts')}')
    try { openDataFolder(${JSON.stringify(dir)}); console.log('opened') } catch (error) { console.log(error.code) }`
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).stdout.trim()
}

test('a data folder belongs to one process, and is free again when released or when its process ended', () => {
  const folder = openDataFolder(dir)
  expect(openElsewhere()).toBe('DATA_DIR_IN_USE')
  folder.release()
  expect(openElsewhere()).toBe('opened')
  openDataFolder(dir).release()
})

test('a folder of a newer format is refused, with what to do', () => {
  openDataFolder(dir).release()
  writeFileSync(join(dir, 'format'), 'millrace 2\n')
  expect(() => openDataFolder(dir)).toThrow(/format 2, this version of Millrace knows 1: use the newer Millrace/)
})

test('credentials are made once, differ between folders, and are for this user alone', () => {
  const made = ensureCredentials(dir)
  expect(made.password).toMatch(/^[\w-]{32}$/)
  expect(ensureCredentials(dir)).toEqual(made)
  expect(statSync(made.file).mode & 0o777).toBe(0o600)
  const other = mkdtempSync(join(tmpdir(), 'millrace-data-'))
  expect(ensureCredentials(other).password).not.toBe(made.password)
  rmSync(other, { recursive: true })
})

test('damaged credentials are not replaced by new ones in silence', () => {
  writeFileSync(join(dir, 'credentials.json'), '{}')
  expect(() => ensureCredentials(dir)).toThrow(/remove it and start again/)
})

// Node's own recursive mkdir never ends there.
test.skipIf(!existsSync('/proc/self'))('a data folder that cannot be made is told', () => {
  expect(() => openDataFolder('/proc/millrace')).toThrow(/^The data folder \/proc\/millrace cannot be made \((ENOENT|EACCES|EPERM)\)/)
})
