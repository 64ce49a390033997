import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { addToHistory, historyFile, maxHistory, oneLine, readHistory } from './history.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-history-'))
const file = join(dir, 'state', 'query_history')
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('the history is kept for its owner alone, a statement a line, the newest first', () => {
  expect(readHistory(file)).toEqual([])
  addToHistory(file, 'SELECT a -- why\n  FROM t;')
  addToHistory(file, "SELECT '--';")
  expect(readHistory(file)).toEqual(["SELECT '--';", 'SELECT a FROM t;'])
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('what may hold a secret is not written down (P8)', () => {
  addToHistory(file, "CREATE ROLE a WITH PASSWORD = 'secret';")
  addToHistory(file, 'SELECT 1;')
  expect(readFileSync(file, 'utf8')).not.toContain('secret')
})

test('it does not grow without end', () => {
  for (let i = 0; i <= 2 * maxHistory; i++) addToHistory(file, `SELECT ${i};`)
  expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThanOrEqual(maxHistory + 2)
  expect(readHistory(file)[0]).toBe(`SELECT ${2 * maxHistory};`)
})

test('it lies in the state folder of the user', () => {
  expect(historyFile({ XDG_STATE_HOME: '/state' })).toBe('/state/millrace/query_history')
  expect(historyFile({ MILLRACE_QUERY_HISTORY: '/elsewhere' })).toBe('/elsewhere')
  expect(oneLine('a\n\n b')).toBe('a b')
})
