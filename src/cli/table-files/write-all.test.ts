import type * as fs from 'node:fs'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createRowFile, fileFormats, readRowFile, type FileColumn } from './row-file.ts'

const calls = vi.hoisted(() => ({ made: Array<string>(), mostBytes: Infinity, failing: '' }))
const fail = (call: string): void => {
  if (call === calls.failing) throw Object.assign(new Error(`ENOSPC: ${call}`), { code: 'ENOSPC' })
}
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return {
    ...real,
    writeSync: (fd: number, bytes: Uint8Array, at = 0) => {
      calls.made.push('write')
      fail('write')
      return real.writeSync(fd, bytes, at, Math.min(bytes.length - at, calls.mostBytes))
    },
    fsyncSync: (fd: number) => {
      calls.made.push('sync')
      fail('sync')
      real.fsyncSync(fd)
    },
    renameSync: (from: string, to: string) => {
      calls.made.push('rename')
      fail('rename')
      real.renameSync(from, to)
    },
  }
})

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-all-'))
})
afterEach(() => {
  Object.assign(calls, { mostBytes: Infinity, failing: '' })
  rmSync(folder, { recursive: true, force: true })
})

const columns: FileColumn[] = [
  { name: 'id', type: { is: 'int' } },
  { name: 'text', type: { is: 'text' } },
]

it.each(fileFormats)(
  'a file of %s is whole where the disk takes a few bytes at a time, and on it before it has its name',
  async (format) => {
    const path = join(folder, `rows.${format}`)
    const rows = Array.from({ length: 200 }, (_, i) => [i, `row ${i}`])
    calls.mostBytes = 100
    const file = await createRowFile(path, format, columns)
    file.write(rows)
    expect(existsSync(path)).toBe(false)
    calls.made.length = 0
    file.end()
    expect(calls.made.filter((call) => call !== 'write')).toEqual(['sync', 'rename', 'sync'])
    const found: unknown[] = []
    for await (const entry of readRowFile(path, format, () => columns)) found.push('row' in entry ? entry.row : entry.error)
    expect(found).toEqual(rows)
  },
)

it.each([
  ['parquet', 'write'],
  ['csv', 'sync'],
  ['ndjson', 'rename'],
] as const)('nothing is left of a file of %s whose end fails at its %s', async (format, call) => {
  const file = await createRowFile(join(folder, `rows.${format}`), format, columns)
  file.write([[1, 'a']])
  calls.failing = call
  expect(() => file.end()).toThrow('ENOSPC')
  expect(readdirSync(folder)).toEqual([])
})
