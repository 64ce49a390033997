import type { RawBuilder } from 'kysely'
import type { DefinitionCache } from './definitions.ts'
import type { StoreTransaction } from './store/metadata-store.ts'
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
  /** True when other schedulers may work on the store: what is changed is locked first (`row-locks.ts`). */
  shared: boolean
  leaseMs: number
  /** `plusMs` from now, by the clock that leases are judged by. */
  leaseTime: (plusMs: number) => RawBuilder<number>
  definitions: DefinitionCache
  changes: ChangeEvent[]
  /** Runs with a task or state that changed: to be advanced. */
  touched: Map<string, RunKey>
  /** Runs that were ended from outside (cancelled, timed out): their running attempts are to be cancelled. */
  stopped: (RunKey & { reason: string })[]
  /** Names of the runs whose rows this transaction holds. */
  held: Set<string>
  /** True when another scheduler held something that this turn was to work on: the next one comes soon. */
  skipped: boolean
}

export function newTurn(base: Omit<Turn, 'changes' | 'touched' | 'stopped' | 'held' | 'skipped'>): Turn {
  return { ...base, changes: [], touched: new Map(), stopped: [], held: new Set(), skipped: false }
}

export function touch(turn: Turn, { dagId, runId }: RunKey): void {
  turn.touched.set(runName({ dagId, runId }), { dagId, runId })
}

export function runName({ dagId, runId }: RunKey): string {
  return `${dagId} ${runId}`
}
