import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const tracked = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .stdout.split('\n')
  .filter(Boolean)
const sources = tracked.filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !file.startsWith('test/types/fixtures/'))
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
const withMatch = (files: readonly string[], pattern: RegExp): string[] => files.filter((file) => pattern.test(textOf(file)))

test('a file has at most 400 lines, tables of data aside', () => {
  const isTable = (file: string): boolean => /\/(data|tables)\//.test(file)
  expect(sources.filter((file) => !isTable(file) && textOf(file).split('\n').length > 401)).toEqual([])
})

test('no folder is called utils, helpers or common', () => {
  expect(tracked.filter((file) => /(^|\/)(utils?|helpers?|common)\//.test(file))).toEqual([])
})

test('rooms list by name what others may use', () => {
  expect(withMatch(sources, /^export \* /m)).toEqual([])
})

test('nothing is left for later, skipped, or hidden from the compiler', () => {
  const files = sources.filter((file) => file !== 'test/tidy.test.ts')
  expect(withMatch(files, /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([])
  expect(withMatch(files, /\b(it|test|describe)\.(only|todo)\b/)).toEqual([])
  // Code alone: a comment may well speak of any number of things.
  expect(withMatch(files, /^(?!\s*(\*|\/\/|\/\*)).*(as unknown as|: any\b|\bas any\b)/m)).toEqual([])
  expect(withMatch(files, /@ts-(ignore|expect-error|nocheck)/)).toEqual([])
})

test('only the outermost doors end the process', () => {
  expect(
    withMatch(
      sources.filter((file) => file.startsWith('src/') && !file.endsWith('.test.ts')),
      /process\.exit\(/,
    ),
  ).toEqual([])
})

test('the lock file carries no registry address', () => {
  expect(textOf('package-lock.json')).not.toContain('"resolved": "http')
})
