import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { format } from 'prettier'
import { startCqlStore, type CqlStoreHandle } from '../src/cql-store/index.ts'
import { cqlSections } from './data/cql-page.ts'
import { connectRawCql, type RawCql } from './engines/raw-cql.ts'

/**
 * Makes `docs/cql.md` out of statements that were carried out. It differs from the committed one: run this with `MILLRACE_WRITE_DOCS=1`
 * and commit what changed.
 */
const page = join(import.meta.dirname, '../docs/cql.md')
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-cql-page-'))
let store: CqlStoreHandle
let cql: RawCql
beforeAll(async () => {
  store = await startCqlStore({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  cql = await connectRawCql(`127.0.0.1:${store.port}`)
})
afterAll(async () => {
  cql[Symbol.dispose]()
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const head = `# CQL in the table store

What the embedded table store takes and what it refuses. This page is made by a test (\`test/cql-page.test.ts\`) that carries out every
statement on it. What is refused is refused by its name, with \`INVALID\` (0x2200): nothing is ignored. That both answer the same, rows, order
and error codes, is judged beside Cassandra 5 (\`test/engines/cql-differential.test.ts\`, \`cql-generated.test.ts\`); where they do not, it
stands with its reason in \`test/engines/differences.ts\`.

Native protocol v3 and v4; v5 is refused in the way that makes drivers step down. Not there: compression of frames, tracing.
`

test('docs/cql.md says what the table store takes and what it refuses', async () => {
  const wrong: unknown[] = []
  const parts = [head]
  for (const { title, about, supported, refused } of cqlSections) {
    parts.push(`## ${title}\n`, ...(about ? [`${about}\n`] : []), '```sql')
    for (const statement of supported) {
      const answer = await cql.query(statement)
      if (answer.opcode === 'ERROR') wrong.push({ statement, message: answer.message })
      parts.push(`${statement};`)
    }
    parts.push('```\n')
    for (const [i, { statement, feature }] of (refused ?? []).entries()) {
      const answer = await cql.query(statement)
      const isRefused = answer.opcode === 'ERROR' && answer.message === `${feature} is not supported by Millrace's table store`
      if (!isRefused) wrong.push({ statement, feature, answer })
      if (i === 0) parts.push('Refused:\n')
      parts.push(`- ${feature}: \`${statement}\``)
    }
    parts.push('')
  }
  expect(wrong).toEqual([])
  const made = await format(parts.join('\n'), { parser: 'markdown', printWidth: 140 })
  if (process.env['MILLRACE_WRITE_DOCS'] === '1') writeFileSync(page, made)
  expect(readFileSync(page, 'utf8')).toBe(made)
})
