import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './harness/project.ts'

const text = (path: string): string => readFileSync(join(root, path), 'utf8')
const page = text('docs/from-the-tutorial.md')
const pipeline = text('examples/users/users.pipeline.ts')

/** Code in the right-hand cells, and fenced TypeScript, that is long enough to be a line of the file. */
const quoted = [
  ...page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(/(?<!\\)\|/)[2] ?? '')
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)),
  ...[...page.matchAll(/```ts\n([^`]*)```/g)].flatMap(([, code = '']) => code.trim().split('\n')),
].filter((code) => /[({]/.test(code) || code.startsWith('id:'))

test.each(quoted.filter((code) => !code.includes('…')))('%s stands in the example', (code) => {
  expect(pipeline).toContain(code)
})

test('each variable that the page names is read', () => {
  const configuration = text('docs/configuration.md')
  const named = [...new Set(page.match(/MILLRACE_[A-Z_]+[A-Z]/g))]
  expect(named.length).toBeGreaterThan(3)
  expect(named.filter((name) => !configuration.includes(name))).toEqual([])
})
