import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fencedBlocks, readDocument } from '../harness/documents.ts'
import { root } from '../harness/project.ts'

/** Code as it reads wherever it stands: without indentation. */
const flat = (code: string): string => code.replaceAll(/^ +/gm, '').trim()
/** Where examples are run: some need a real system. */
const files = [...globSync('test/docs/*.ts', { cwd: root }), 'test/engines/postgres-query.test.ts']
const run = flat(files.map(readDocument).join('\n'))

test.each([
  ['docs/client.md', 7],
  ['docs/testing.md', 4],
  ['docs/broker.md', 1],
  ['docs/cql-store.md', 1],
  ['docs/registry.md', 1],
  ['docs/sources.md', 7],
])('each example of %s is run, word for word', (page, examples) => {
  const blocks = fencedBlocks(readDocument(page), 'ts')
  expect(blocks.length).toBe(examples)
  for (const block of blocks) {
    // Imports stand at the head of a file, which several examples may share.
    const { imports = [], body = [] } = Object.groupBy(block.split('\n'), (line) => (line.startsWith('import ') ? 'imports' : 'body'))
    expect(imports.filter((line) => !run.includes(line))).toEqual([])
    expect(run.includes(flat(body.join('\n'))), body.join('\n')).toBe(true)
  }
})

test('each entry of the package has its page', () => {
  const { exports }: { exports: Record<string, unknown> } = JSON.parse(readDocument('package.json'))
  const entries = Object.keys(exports).filter((name) => name !== '.' && name !== './package.json')
  expect(entries.filter((name) => !readDocument(`docs/${name.slice(2)}.md`).includes(`millrace/${name.slice(2)}`))).toEqual([])
})
