import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runAlone } from '../harness/millrace.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-init-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('a link that leads nowhere is not written through', () => {
  const project = join(dir, 'project')
  mkdirSync(project)
  symlinkSync(join(dir, 'elsewhere.ts'), join(project, 'millrace.config.ts'))
  const { code, stderr } = runAlone(['init', project])
  expect([code, stderr]).toEqual([73, expect.stringContaining('millrace.config.ts of')])
  expect(readdirSync(project)).toEqual(['millrace.config.ts'])
  expect(existsSync(join(dir, 'elsewhere.ts'))).toBe(false)
})

test('a folder that is a link to nowhere, or a file, is told', () => {
  symlinkSync(join(dir, 'nowhere'), join(dir, 'link'))
  const { code, stderr } = runAlone(['init', join(dir, 'link')])
  expect([code, stderr]).toEqual([73, expect.stringContaining('is no folder')])
  expect(existsSync(join(dir, 'nowhere'))).toBe(false)
})

test('a folder that cannot be made is told at once, with the system’s word for it', { timeout: 30_000 }, () => {
  writeFileSync(join(dir, 'file'), '')
  mkdirSync(join(dir, 'locked'), { mode: 0o500 })
  // Root may write there all the same, but not into what the kernel shows.
  const locked = process.getuid?.() === 0 ? '/sys' : join(dir, 'locked')
  const places = [
    join(dir, 'file'),
    join(dir, 'file', 'project', 'deep'),
    ...(existsSync(locked) ? [join(locked, 'millrace')] : []),
    ...(existsSync('/proc/self') ? ['/proc/millrace', '/proc/millrace/deep'] : []),
  ]
  for (const place of places) {
    const startedMs = performance.now()
    const { code, stderr } = runAlone(['init', place])
    expect([code, stderr]).toEqual([
      73,
      expect.stringMatching(/is no folder, and none can be made there \((EEXIST|ENOTDIR|ENOENT|EACCES|EPERM)\): name another/),
    ])
    expect(performance.now() - startedMs).toBeLessThan(10_000)
  }
})
