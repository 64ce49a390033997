import type { Clock, Disk, Logger } from '../../platform/index.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { ProducerStates } from './producer-states.ts'
import type { Segment } from './segment.ts'

export interface LogContext {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
  /** `os` makes records visible without a sync. */
  readonly flush: 'sync' | 'os'
  /** This start's leader epoch (P1: raised at each start). */
  readonly leaderEpoch: number
}

/** What recovery found of one partition; the log is built from it. */
export interface LogParts {
  readonly topic: string
  readonly partition: number
  readonly dir: string
  readonly segments: Segment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** What lies below need not be scanned at the next start. */
  readonly recoveryPoint: number
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
}
