import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
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
