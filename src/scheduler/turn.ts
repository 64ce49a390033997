import type { DefinitionCache } from './definitions.ts'
import type { StoreTransaction } from './store/open-store.ts'
import type { ChangeEvent } from './types.ts'

export interface RunKey {
  dagId: string
  runId: string
}

/**
 * One transaction's work on the store. What must happen outside (events, cancelling a process) is gathered here
 * and done after the commit, so that a rolled back turn has done nothing.
 */
export interface Turn {
  trx: StoreTransaction
  nowMs: number
  /** Owner epoch of this scheduler. */
  epoch: number
  definitions: DefinitionCache
  changes: ChangeEvent[]
  /** Runs with a task or state that changed: to be advanced. */
  touched: Map<string, RunKey>
  /** Runs that were ended from outside (cancelled, timed out): their running attempts are to be cancelled. */
  stopped: (RunKey & { reason: string })[]
}

export function newTurn(base: Pick<Turn, 'trx' | 'nowMs' | 'epoch' | 'definitions'>): Turn {
  return { ...base, changes: [], touched: new Map(), stopped: [] }
}

export function touch(turn: Turn, { dagId, runId }: RunKey): void {
  turn.touched.set(`${dagId} ${runId}`, { dagId, runId })
}
