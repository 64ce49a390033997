import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readApiAddress, removeApiAddress, writeApiAddress } from './api-address.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-data-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('the address of the API is found until it is removed', () => {
  expect(readApiAddress(dir)).toBeNull()
  writeApiAddress(dir, { socket: '/tmp/x.sock', pid: 12 })
  expect(readApiAddress(dir)).toEqual({ socket: '/tmp/x.sock', pid: 12 })
  expect(readFileSync(join(dir, 'api.json'), 'utf8')).not.toContain('password')
  removeApiAddress(dir)
  expect(readApiAddress(dir)).toBeNull()
})
