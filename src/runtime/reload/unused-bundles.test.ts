import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RunView } from '../../core/index.ts'
import { removeUnusedBundles } from './unused-bundles.ts'

const nowMs = Date.UTC(2026, 0, 1)
const anHour = 3_600_000
let bundlesDir: string
let runs: RunView[] = []

beforeEach(() => {
  bundlesDir = mkdtempSync(join(tmpdir(), 'millrace-bundles-'))
  runs = []
})
afterEach(() => rmSync(bundlesDir, { recursive: true, force: true }))

/** A bundle of that age, as a function reference names it. */
function bundle(digest: string, ageMs: number): { fn: { module: string } } {
  const folder = join(bundlesDir, digest)
  mkdirSync(folder)
  const module = join(folder, 'users.pipeline.mjs')
  writeFileSync(module, 'export {}')
  utimesSync(folder, (nowMs - ageMs) / 1_000, (nowMs - ageMs) / 1_000)
  return { fn: { module } }
}

const remove = (...inUse: unknown[]): Promise<number> =>
  removeUnusedBundles({ bundlesDir, inUse, scheduler: { runs: () => Promise.resolve(runs) }, nowMs })

test('bundles that no definition names any more are removed; young ones stay, another process may be about to load them', async () => {
  const stream = bundle('aaaa', anHour)
  const config = bundle('bbbb', anHour)
  bundle('cccc', anHour)
  bundle('dddd', 1_000)
  expect(await remove({ streams: [{ nodes: [stream] }] }, { sasl: config })).toBe(1)
  expect(readdirSync(bundlesDir).toSorted()).toEqual(['aaaa', 'bbbb', 'dddd'])
})

test('while a run is at work all stay: its tasks to come are of the definition that it began with', async () => {
  bundle('aaaa', anHour)
  const ids = { dagId: 'd', runId: 'r', dagVersion: 1, params: {} } as const
  const times = { logicalDate: '', queuedAt: '', startedAt: null, endedAt: null, dataInterval: { start: '', end: '' } }
  const run: RunView = { ...ids, ...times, state: 'running', reason: null, trigger: 'manual' }
  runs = [run]
  expect(await remove()).toBe(0)
  runs = [{ ...run, state: 'failed' }]
  expect(await remove()).toBe(1)
  expect(readdirSync(bundlesDir)).toEqual([])
})

test('without a folder there is nothing to remove', async () => {
  rmSync(bundlesDir, { recursive: true })
  expect(await remove()).toBe(0)
})
