import type { Clock } from '../../../platform/index.ts'
import type { ConsumerMember } from './member.ts'
import { isNone } from './partitions.ts'

/** `join` and `sync` are of members of the classic protocol. */
type Timer = 'session' | 'revocation' | 'join' | 'sync'

/** For each member the time until it must have shown itself, and until it must have done what it was told to do. */
export class MemberTimers {
  readonly #clock: Clock
  readonly #overdue: (memberId: string) => void
  /** How to stop them, by member id. */
  readonly #timers = new Map<string, Map<Timer, () => void>>()

  constructor(clock: Clock, overdue: (memberId: string) => void) {
    this.#clock = clock
    this.#overdue = overdue
  }

  startSession(memberId: string, timeoutMs: number): void {
    this.#start(memberId, 'session', timeoutMs)
  }

  /** Those of the classic protocol give up by joining again: for that they have a time of their own. */
  watchRevocation({ id, pendingRevocation, rebalanceTimeoutMs, classicMemberMetadata }: ConsumerMember): void {
    if (isNone(pendingRevocation) || classicMemberMetadata) this.#stop(id, 'revocation')
    else this.#start(id, 'revocation', rebalanceTimeoutMs)
  }

  /** The member was told to join again: it has its rebalance timeout for that, from the first time on. */
  awaitJoin({ id, rebalanceTimeoutMs }: ConsumerMember): void {
    if (!this.#timers.get(id)?.has('join')) this.#start(id, 'join', rebalanceTimeoutMs)
  }

  /** The member joined, and is to ask for its assignment. */
  awaitSync({ id, rebalanceTimeoutMs }: ConsumerMember): void {
    this.#stop(id, 'join')
    this.#start(id, 'sync', rebalanceTimeoutMs)
  }

  synced(memberId: string): void {
    this.#stop(memberId, 'sync')
  }

  /** The member speaks the protocol of KIP-848 now. */
  leftClassic(memberId: string): void {
    this.#stop(memberId, 'join')
    this.#stop(memberId, 'sync')
  }

  stop(memberId: string): void {
    for (const stop of this.#timers.get(memberId)?.values() ?? []) stop()
    this.#timers.delete(memberId)
  }

  close(): void {
    for (const memberId of this.#timers.keys()) this.stop(memberId)
  }

  #start(memberId: string, timer: Timer, timeoutMs: number): void {
    this.#stop(memberId, timer)
    const timers = this.#timers.get(memberId) ?? new Map<Timer, () => void>()
    this.#timers.set(memberId, timers)
    timers.set(
      timer,
      this.#clock.after(timeoutMs, () => this.#overdue(memberId)),
    )
  }

  #stop(memberId: string, timer: Timer): void {
    this.#timers.get(memberId)?.get(timer)?.()
    this.#timers.get(memberId)?.delete(timer)
  }
}
