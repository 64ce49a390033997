import type { Clock } from '../../../platform/index.ts'
import type { ConsumerMember } from './member.ts'
import { isNone } from './partitions.ts'

interface Timers {
  stopSession: () => void
  stopRebalance: () => void
}

/** For each member the time until it must have shown itself, and until it must have given up what it is to give up. */
export class MemberTimers {
  readonly #clock: Clock
  readonly #overdue: (memberId: string) => void
  readonly #timers = new Map<string, Timers>()

  constructor(clock: Clock, overdue: (memberId: string) => void) {
    this.#clock = clock
    this.#overdue = overdue
  }

  startSession(memberId: string, timeoutMs: number): void {
    const timers = this.#of(memberId)
    timers.stopSession()
    timers.stopSession = this.#clock.after(timeoutMs, () => this.#overdue(memberId))
  }

  endSession(memberId: string): void {
    this.#of(memberId).stopSession()
  }

  watchRevocation({ id, pendingRevocation, rebalanceTimeoutMs }: ConsumerMember): void {
    const timers = this.#of(id)
    timers.stopRebalance()
    timers.stopRebalance = isNone(pendingRevocation) ? () => {} : this.#clock.after(rebalanceTimeoutMs, () => this.#overdue(id))
  }

  stop(memberId: string): void {
    const timers = this.#timers.get(memberId)
    timers?.stopSession()
    timers?.stopRebalance()
    this.#timers.delete(memberId)
  }

  close(): void {
    for (const memberId of this.#timers.keys()) this.stop(memberId)
  }

  #of(memberId: string): Timers {
    const timers = this.#timers.get(memberId) ?? { stopSession: () => {}, stopRebalance: () => {} }
    this.#timers.set(memberId, timers)
    return timers
  }
}
