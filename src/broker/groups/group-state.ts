import type { Clock } from '../../platform/index.ts'
import type { Group } from './group.ts'

/** `stopTimer` belongs to the state: leaving it stops the timer. */
export type GroupState =
  | { is: 'empty' }
  /** Members are to join again; ends when all have, or when the rebalance timeout is over. */
  | { is: 'preparing'; stopTimer: () => void; first: boolean }
  /** A generation is agreed; the leader's assignment is awaited. */
  | { is: 'completing'; stopTimer: () => void }
  | { is: 'stable' }
  | { is: 'dead' }

export interface GroupContext {
  readonly clock: Clock
  readonly initialDelayMs: number
  readonly maxMembers: number
  /** Writes the group to `__consumer_offsets`; false when that failed. */
  persist(group: Group): Promise<boolean>
}
