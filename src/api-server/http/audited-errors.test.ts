import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MillraceError } from '../../platform/index.ts'
import { post, startScriptedApi } from '../testing/scripted-api.ts'

test('what a cluster says of a statement that it refused is answered, and not kept: it repeats parts of the statement (P8)', async () => {
  await using api = await startScriptedApi({ project: true })
  const message = "SYNTAX_ERROR: line 1:34 mismatched input 'hush' (...WITH PASSWORD = ['hush])"
  api.state.cassandra = () => Promise.reject(new MillraceError('CQL', message, { details: { cqlCode: 0x2000, cqlError: 'SYNTAX_ERROR' } }))
  const { cookie, csrf } = await api.signIn('admin')
  const answer = await post(`${api.url}/api/v1/cql`, { cql: "ALTER ROLE a WITH PASSWORD = 'hush" }, { cookie, 'x-millrace-csrf': csrf })
  expect(await answer.json()).toMatchObject({ code: 'CQL', detail: message })
  const log = readFileSync(join(api.dataDir, 'audit.log'), 'utf8')
  expect(log).toContain('the cluster refused it: SYNTAX_ERROR')
  expect(log).not.toContain('hush')
})
