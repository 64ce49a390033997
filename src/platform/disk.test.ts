import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { makeFolders, systemDisk } from './index.ts'

const folders: string[] = []
afterEach(() => {
  vi.restoreAllMocks()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
  folders.push(folder)
  return folder
}

test('a folder is made with those above it, and each that got a new one is synced', () => {
  const top = temporaryFolder()
  const synced = vi.spyOn(systemDisk, 'syncDir')
  systemDisk.makeDir(join(top, 'a/b/c'))
  expect(synced.mock.calls.flat().toSorted()).toEqual([top, join(top, 'a'), join(top, 'a/b')])
  systemDisk.makeDir(join(top, 'a/b/c'))
  systemDisk.makeDir(join(top, 'a/d'), { syncFolder: false })
  expect(synced).toHaveBeenCalledTimes(3)
})

test('folders are made with those above them, and the uppermost that was made is told', () => {
  const dir = temporaryFolder()
  const path = join(dir, 'a', 'b', 'c')
  expect(makeFolders(path, 0o750)).toBe(join(dir, 'a'))
  expect(makeFolders(path, 0o750)).toBeUndefined()
  writeFileSync(join(dir, 'file'), '')
  expect(() => makeFolders(join(dir, 'file'), 0o750)).toThrow('EEXIST')
  expect(() => makeFolders(join(dir, 'file', 'a'), 0o750)).toThrow('ENOTDIR')
  symlinkSync(join(dir, 'nowhere'), join(dir, 'link'))
  expect(() => makeFolders(join(dir, 'link'), 0o750)).toThrow('EEXIST')
})
