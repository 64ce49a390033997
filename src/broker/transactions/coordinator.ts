import { errorCodes } from '../../kafka-wire/index.ts'
import { asMillraceError, type Clock, type Logger } from '../../platform/index.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import type { Catalogue } from '../topics/catalogue.ts'
import type { Topics } from '../topics/topics.ts'
import type { StateStore } from './state-store.ts'
import * as transitions from './transaction.ts'
import { isPrepared, type Transaction, type Transition } from './transaction.ts'
import { writeMarkers } from './write-markers.ts'

/** Who a request says it comes from. */
export interface Producer {
  readonly transactionalId: string
  readonly producerId: number
  readonly epoch: number
}

export interface Place {
  readonly topic: string
  readonly partition: number
}

export interface Identity {
  readonly errorCode: number
  readonly producerId: number
  readonly epoch: number
}

interface Entry {
  state: Transaction | null
  /** What is being done for this id, one after another. */
  turn: Promise<unknown>
  waiting: number
  stopTimer: () => void
  /** The logs that have the marker of the prepared end already. */
  ended: Set<PartitionLog>
}

interface Parts {
  readonly store: StateStore
  readonly topics: Topics
  readonly groups: GroupCoordinator
  readonly catalogue: Catalogue
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly log: Logger
}

const retryMs = 500

/**
 * The transactions of this broker (KIP-98, KIP-890). Each state is on the disk before it counts; a prepared end is carried out
 * whatever happens, also after a crash. Answers are Kafka's error codes.
 */
export class TransactionCoordinator {
  readonly #parts: Parts
  readonly #entries = new Map<string, Entry>()
  #stopExpiry = (): void => {}
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Reads the transactions back; what was prepared is carried out, what was open may go on until its time is over. */
  async restore(): Promise<void> {
    const found = this.#parts.store.readAll()
    const prepared: string[] = []
    for (const [id, state] of found) {
      this.#entry(id).state = state
      if (isPrepared(state.status)) prepared.push(id)
      if (state.status === 'Ongoing') this.#startTimer(id)
    }
    await Promise.all(prepared.map((id) => this.#inTurn(id, (entry) => this.#carryOut(entry))))
    if (found.size > 0) this.#parts.log.info('transactions restored', { transactionalIds: found.size, ended: prepared.length })
    this.#expireLater()
  }

  #entry(id: string): Entry {
    const existing = this.#entries.get(id)
    if (existing) return existing
    const entry: Entry = { state: null, turn: Promise.resolve(), waiting: 0, stopTimer: () => {}, ended: new Set() }
    this.#entries.set(id, entry)
    return entry
  }

  /** Requests of one transactional id are handled in their order, each when the one before is on the disk. */
  async #inTurn<T>(id: string, action: (entry: Entry) => Promise<T>): Promise<T> {
    const entry = this.#entry(id)
    entry.waiting++
    const turn = entry.turn.then(() => action(entry))
    entry.turn = turn.catch(() => {})
    try {
      return await turn
    } finally {
      entry.waiting--
      if (entry.state === null && entry.waiting === 0) this.#entries.delete(id)
    }
  }

  /** Makes sure that `__transaction_state` is there; false when it cannot be made. */
  async ready(): Promise<boolean> {
    return (await this.#parts.store.topic()) !== null
  }

  all(): Transaction[] {
    return [...this.#entries.values()].flatMap(({ state }) => (state ? [state] : []))
  }

  get(transactionalId: string): Transaction | null {
    return this.#entries.get(transactionalId)?.state ?? null
  }

  get #fresh(): { producerId: () => number; nowMs: number } {
    return { producerId: () => this.#parts.catalogue.nextProducerId(), nowMs: this.#parts.clock.nowMs() }
  }

  /** InitProducerId: a new epoch, which fences whoever had the one before. */
  initialise(transactionalId: string, wanted: { timeoutMs: number; producerId: number; epoch: number }): Promise<Identity> {
    const failed = (errorCode: number): Identity => ({ errorCode, producerId: -1, epoch: -1 })
    if (wanted.timeoutMs <= 0 || wanted.timeoutMs > this.#parts.config.number('transaction.max.timeout.ms')) {
      return Promise.resolve(failed(errorCodes.INVALID_TRANSACTION_TIMEOUT))
    }
    return this.#inTurn(transactionalId, async (entry) => {
      const errorCode = await this.#apply(entry, transactionalId, (now) => {
        if (now) return transitions.initialise(now, wanted, this.#fresh)
        // A producer that the client names is not looked at then, as in Kafka: it may have expired, and some clients say 0 for none.
        const { producerId, nowMs } = this.#fresh
        return { is: 'next', to: transitions.newTransaction(transactionalId, producerId(), wanted.timeoutMs, nowMs) }
      })
      const { state } = entry
      if (errorCode === errorCodes.CONCURRENT_TRANSACTIONS && state?.status === 'Ongoing') await this.#abort(entry, state)
      return errorCode === errorCodes.NONE && state ? { errorCode, producerId: state.producerId, epoch: state.epoch } : failed(errorCode)
    })
  }

  /** Makes a transition, on the disk before it counts; the error code to answer. */
  async #apply(entry: Entry, id: string, transition: (now: Transaction | null) => Transition): Promise<number> {
    if (this.#closed) return errorCodes.COORDINATOR_NOT_AVAILABLE
    let outcome: Transition
    try {
      outcome = transition(entry.state)
    } catch (error) {
      this.#parts.log.warn('no producer id could be reserved', { error: asMillraceError(error) })
      return errorCodes.COORDINATOR_NOT_AVAILABLE
    }
    if (outcome.is === 'refused') return outcome.errorCode
    if (outcome.is === 'same') return errorCodes.NONE
    if (!(await this.#parts.store.write(id, outcome.to))) return errorCodes.COORDINATOR_NOT_AVAILABLE
    entry.state = outcome.to
    if (outcome.to.status === 'Ongoing') this.#startTimer(id)
    return errorCodes.NONE
  }

  #startTimer(id: string): void {
    const entry = this.#entry(id)
    entry.stopTimer()
    const { state } = entry
    if (!state || this.#closed) return
    const leftMs = Math.max(0, state.startMs + state.timeoutMs - this.#parts.clock.nowMs())
    entry.stopTimer = this.#parts.clock.after(leftMs, () => void this.#timedOut(id, state.startMs))
  }

  async #timedOut(id: string, startMs: number): Promise<void> {
    await this.#inTurn(id, async (entry) => {
      const { state } = entry
      if (state?.status !== 'Ongoing' || state.startMs !== startMs || this.#closed) return
      this.#parts.log.info('aborted a transaction that took too long', { transactionalId: id, timeoutMs: state.timeoutMs })
      await this.#abort(entry, state)
    })
  }

  /** Aborts an open transaction and fences its producer. */
  async #abort(entry: Entry, state: Transaction): Promise<void> {
    const errorCode = await this.#apply(entry, state.transactionalId, () => ({
      is: 'next',
      to: transitions.fence(state, this.#fresh.nowMs),
    }))
    if (errorCode === errorCodes.NONE) await this.#carryOut(entry)
    else if (!this.#closed) this.#startTimerLater(state.transactionalId)
  }

  #startTimerLater(id: string): void {
    const entry = this.#entry(id)
    entry.stopTimer()
    entry.stopTimer = this.#parts.clock.after(retryMs, () => this.#startTimer(id))
  }

  /** Writes the markers of a prepared end, then that it is complete; what cannot be written now is tried again until it can. */
  async #carryOut(entry: Entry): Promise<void> {
    const { state } = entry
    if (!state || !isPrepared(state.status) || this.#closed) return
    entry.stopTimer()
    const { topics, groups, store, catalogue } = this.#parts
    const done = transitions.complete(state, this.#fresh.nowMs)
    const written =
      (await writeMarkers(state, { topics, groups, coordinatorEpoch: catalogue.leaderEpoch }, entry.ended)) &&
      // Whatever follows is written behind it, so nobody need wait for it: lost in a crash, it is found out again.
      (await store.write(state.transactionalId, done, { wait: false }))
    if (written) {
      entry.state = done
      entry.ended = new Set()
    } else if (!this.#closed) {
      entry.stopTimer = this.#parts.clock.after(retryMs, () => void this.#inTurn(state.transactionalId, (again) => this.#carryOut(again)))
    }
  }

  /** Adds partitions to the transaction, which begins with the first. */
  addPartitions(producer: Producer, added: readonly Place[], clientVersion: number): Promise<number> {
    const { transactionalId, producerId, epoch } = producer
    return this.#inTurn(transactionalId, (entry) =>
      this.#apply(entry, transactionalId, (now) =>
        now
          ? transitions.addPartitions(now, { producerId, epoch, clientVersion }, added, this.#fresh.nowMs)
          : { is: 'refused', errorCode: errorCodes.INVALID_PRODUCER_ID_MAPPING },
      ),
    )
  }

  /** Resolves when everything of this id that came before is done. */
  settled(transactionalId: string): Promise<number> {
    return this.#inTurn(transactionalId, () => Promise.resolve(errorCodes.NONE))
  }

  /** Whether something of this id is under way, behind which later requests must wait. */
  isBusy(transactionalId: string): boolean {
    return (this.#entries.get(transactionalId)?.waiting ?? 0) > 0
  }

  /** Whether the producer's open transaction has this partition (KIP-890 part 1): a late record of an ended one must not open it again. */
  verify({ transactionalId, producerId, epoch }: Producer, { topic, partition }: Place): number {
    const state = this.get(transactionalId)
    if (!state) return errorCodes.INVALID_PRODUCER_ID_MAPPING
    const fenced = transitions.fencing(state, producerId, epoch)
    if (fenced !== errorCodes.NONE) return fenced
    if (isPrepared(state.status)) return errorCodes.CONCURRENT_TRANSACTIONS
    return state.status === 'Ongoing' && transitions.holds(state, topic, partition) ? errorCodes.NONE : errorCodes.TRANSACTION_ABORTABLE
  }

  /** EndTxn: answered once the outcome is on the disk and, short of a disk that fails, readers see it. */
  end(producer: Producer, commit: boolean, clientVersion: number): Promise<Identity> {
    const { transactionalId, producerId, epoch } = producer
    return this.#inTurn(transactionalId, async (entry) => {
      const errorCode = await this.#apply(entry, transactionalId, (now) =>
        now
          ? transitions.end(now, { producerId, epoch, commit, clientVersion }, this.#fresh)
          : { is: 'refused', errorCode: errorCodes.INVALID_PRODUCER_ID_MAPPING },
      )
      if (errorCode === errorCodes.NONE) await this.#carryOut(entry)
      const { state } = entry
      if (errorCode !== errorCodes.NONE || !state) return { errorCode, producerId: -1, epoch: -1 }
      if (state.nextProducerId >= 0) return { errorCode, producerId: state.nextProducerId, epoch: 0 }
      return { errorCode, producerId: state.producerId, epoch: state.epoch }
    })
  }

  #expireLater(): void {
    const { config, clock } = this.#parts
    if (this.#closed) return
    this.#stopExpiry = clock.after(config.number('transaction.remove.expired.transaction.cleanup.interval.ms'), () => {
      void this.#expire().finally(() => this.#expireLater())
    })
  }

  /** Forgets ids without a transaction that nobody used for `transactional.id.expiration.ms`. */
  async #expire(): Promise<void> {
    const beforeMs = this.#parts.clock.nowMs() - this.#parts.config.number('transactional.id.expiration.ms')
    const idle = ({ status, updateMs }: Transaction): boolean => status !== 'Ongoing' && !isPrepared(status) && updateMs < beforeMs
    for (const { transactionalId } of this.all().filter(idle)) {
      await this.#inTurn(transactionalId, async (entry) => {
        if (entry.state && idle(entry.state) && (await this.#parts.store.write(transactionalId, null))) entry.state = null
      })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopExpiry()
    for (const entry of this.#entries.values()) entry.stopTimer()
    await Promise.all([...this.#entries.values()].map(({ turn }) => turn))
  }
}
