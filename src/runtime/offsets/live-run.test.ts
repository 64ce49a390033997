import { expect, test } from 'vitest'
import type { RunState, RunView } from '../../core/index.ts'
import { liveRun } from './live-run.ts'

const run = (dagId: string, runId: string, state: RunState): RunView => ({
  ...times,
  dagId,
  runId,
  state,
  reason: null,
  trigger: 'manual',
  params: {},
  dagVersion: 1,
})
const times = { logicalDate: '', queuedAt: '', startedAt: null, endedAt: null, dataInterval: { start: '', end: '' } }
const of = (dag: string, lastRun: string, ...runs: RunView[]): Promise<string | null> =>
  liveRun({ runs: () => Promise.resolve(runs) }, { dag, run: lastRun })
const live = (lastRun: string, ...runs: RunView[]): Promise<string | null> => of('users', lastRun, ...runs)

test('a run of the DAG that last read a source is live while it is queued or running, also before it has written', async () => {
  const first = run('users', 'r1', 'success')
  expect(await live('r1', first)).toBeNull()
  expect(await live('r1', run('users', 'r1', 'running'))).toBe('run r1 of DAG users (running)')
  expect(await live('r1', run('users', 'r2', 'queued'), first)).toBe('run r2 of DAG users (queued)')
  expect(await live('r1', run('orders', 'r2', 'running'), first)).toBeNull()
  expect(await of('orders', 'inline', run('users', 'r2', 'running'), first)).toBeNull()
})

test('DAGs of one schedule have runs of one id: those of another DAG read nothing of it', async () => {
  const [users, orders] = [run('users', 'daily', 'success'), run('orders', 'daily', 'running')]
  expect(await live('daily', orders, users)).toBeNull()
  // By a cursor of before the DAG was told.
  expect(await of('', 'daily', orders, users)).toBe('run daily of DAG orders (running)')
})
