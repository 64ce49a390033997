import { asMillraceError, MillraceError } from '../platform/index.ts'
import { CLOSE_TIMEOUT_MS, type CloseOptions, settledBy } from './closing.ts'
import type { Cluster } from './cluster.ts'
import type { CommittedOffset } from './committed-offsets.ts'
import { type ResolvedTransactionalOptions, resolveTransactionalOptions, type TransactionalProducerOptions } from './options.ts'
import type { ProducerIdentity } from './partition-queue.ts'
import type { Acknowledged } from './producer-batch.ts'
import { createTransactionSink, type OutgoingRecord, type TransactionSink } from './producer.ts'
import type { SenderTransaction } from './sender.ts'
import { PRODUCE_AT_MOST, TransactionCoordinator, type TransactionGroup, type TransactionSession } from './transaction-coordinator.ts'
import { Enlisting } from './transaction-enlisting.ts'
import { verdictOn } from './transaction-errors.ts'
import { inDoubt, refusalOf, type TransactionState } from './transaction-state.ts'

/**
 * Writes records and offsets in transactions (KIP-98): a reader with `read_committed` sees all of one or nothing. One transaction at a
 * time. A failure within it leaves only `abort`, after which the next may begin; PRODUCER_FENCED (not retriable) ends the producer: another
 * one has taken over the transactional id, or a transaction was open past its time-out.
 */
export interface TransactionalProducer extends AsyncDisposable {
  readonly state: TransactionState
  /**
   * Takes a producer id, fences earlier producers of the transactional id and settles what they left open; offsets read afterwards are
   * final. `begin` does it when it was not done. Rejects PRODUCER_FENCED, KAFKA, KAFKA_RETRIABLE, UNREACHABLE, PROTOCOL.
   */
  init(): Promise<void>
  /** Rejects as `init` does, and BAD_REQUEST while a transaction is open. */
  begin(): Promise<void>
  /** As `send` of a producer. A rejection spoils the transaction; nobody needs to catch it, `commit` rejects with the same. */
  send(records: readonly OutgoingRecord[]): Promise<Acknowledged[]>
  /**
   * Commits offsets of the *next* records together with the records. `group`: `consumer.groupMetadata()`, taken right after the `poll`, so
   * that a member whose partitions went to others is refused (KIP-447); only a `groupId` for a group without members.
   */
  sendOffsets(offsets: readonly CommittedOffset[], group: TransactionGroup): Promise<void>
  /**
   * Waits for all that was sent, then commits; asked again until the coordinator tells. Rejects with what spoiled the transaction
   * (`abort` it); PRODUCER_FENCED, with details.outcome `unknown` when an answer was lost before; TIMED_OUT with details.outcome
   * `unknown` when nobody told in time: call it again, or make a new producer, `init` it and read the committed offsets again.
   */
  commit(): Promise<void>
  /** Nothing of the transaction becomes visible. Does nothing when none is open; may be called again when it was rejected. */
  abort(): Promise<void>
  /** Aborts what is open, for as long as `timeoutMs` (default 5,000); past that the coordinator's time-out does. */
  close(options?: CloseOptions): Promise<void>
}

class KafkaTransactionalProducer implements TransactionalProducer, SenderTransaction {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #purpose: string
  readonly #coordinator: TransactionCoordinator
  readonly #sink: TransactionSink
  readonly #closing = new AbortController()
  readonly #onClose: (producer: TransactionalProducer) => void
  #state: TransactionState = { is: 'new' }
  #session: TransactionSession | null = null
  #initialising: Promise<void> | null = null
  /** Commit or abort, until it has settled. */
  #ending: Promise<void> | null = null
  /** Something of this transaction was sent to a broker, or is about to be. */
  #hasStarted = false
  readonly #enlisting: Enlisting
  readonly #groups = new Set<string>()
  /** One after another; never rejects. */
  #offsets: Promise<void> = Promise.resolve()
  #abandoning: Promise<void> | null = null

  constructor(cluster: Cluster, options: ResolvedTransactionalOptions, onClose: (producer: TransactionalProducer) => void) {
    this.transactionalId = options.transactionalId
    this.#cluster = cluster
    this.#purpose = cluster.newPurpose('transaction')
    this.#coordinator = new TransactionCoordinator(cluster, options, this.#purpose, this.#closing.signal)
    this.#sink = createTransactionSink(cluster, options, this)
    this.#onClose = onClose
    this.#enlisting = new Enlisting({
      add: async (partitions) => this.#coordinator.addPartitions(this.#open().identity, partitions),
      mayWrite: () => this.#mayWrite,
      onFailed: (error) => void this.#spoil(asMillraceError(error)),
      onSettled: () => this.#sink.wake(),
    })
  }

  get state(): TransactionState {
    return this.#state
  }

  get produceAtMost(): number {
    return PRODUCE_AT_MOST[this.#session?.version ?? 1]
  }

  get identity(): ProducerIdentity | null {
    return this.#mayWrite ? (this.#session?.identity ?? null) : null
  }

  enlist(topic: string, partition: number): boolean {
    this.#hasStarted = true
    return this.#session?.version === 2 || this.#enlisting.enlist(topic, partition)
  }

  onFailure(error: MillraceError): void {
    this.#spoil(error)
  }

  init(): Promise<void> {
    if (this.#state.is === 'failed' || this.#state.is === 'closed') return Promise.reject(this.#refusal())
    if (this.#state.is !== 'new') return Promise.resolve()
    this.#initialising ??= this.#init().finally(() => (this.#initialising = null))
    return this.#initialising
  }

  async begin(): Promise<void> {
    await this.init()
    if (this.#state.is !== 'ready') throw this.#refusal()
    this.#hasStarted = false
    this.#enlisting.clear()
    this.#groups.clear()
    this.#state = { is: 'open' }
  }

  send(records: readonly OutgoingRecord[]): Promise<Acknowledged[]> {
    if (this.#state.is !== 'open') return Promise.reject(this.#refusal())
    const sending = this.#sink.send(records).catch((error: unknown) => {
      throw this.#spoil(asMillraceError(error))
    })
    sending.catch(() => undefined)
    return sending
  }

  sendOffsets(offsets: readonly CommittedOffset[], group: TransactionGroup): Promise<void> {
    if (this.#state.is !== 'open') return Promise.reject(this.#refusal())
    if (offsets.length === 0) return Promise.resolve()
    const sending = this.#offsets.then(async () => {
      try {
        await this.#sendOffsets(offsets, group)
      } catch (error) {
        throw this.#spoil(asMillraceError(error))
      }
    })
    this.#offsets = sending.catch(() => undefined)
    return sending
  }

  commit(): Promise<void> {
    if (this.#state.is !== 'open' && this.#state.is !== 'in doubt') return Promise.reject(this.#refusal())
    const isAgain = this.#state.is === 'in doubt'
    this.#state = { is: 'committing' }
    return this.#endBy(this.#commit(isAgain))
  }

  abort(): Promise<void> {
    const { is } = this.#state
    if (is === 'new' || is === 'ready') return Promise.resolve()
    if (is === 'aborting' && this.#ending) return this.#ending
    if (is !== 'open' && is !== 'spoiled') return Promise.reject(this.#refusal())
    this.#state = { is: 'aborting' }
    return this.#endBy(this.#abort())
  }

  async close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    if (this.#state.is === 'closed') return
    const { clock, log } = this.#cluster
    const deadlineMs = clock.monotonicMs() + timeoutMs
    const wasCommitting = this.#state.is === 'committing'
    const ended = await settledBy(wasCommitting && this.#ending ? this.#ending : this.abort(), deadlineMs, clock)
    if (!ended || this.#state.is === 'in doubt') {
      const message = `The transactional producer closed after ${timeoutMs} ms with a transaction that is not known to have ended.`
      log.warn(message, { transactionalId: this.transactionalId })
    }
    this.#state = { is: 'closed' }
    this.#closing.abort(this.#refusal())
    await this.#sink.close({ timeoutMs: 0 })
    this.#cluster.connections.release(this.#purpose)
    this.#onClose(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #mayWrite(): boolean {
    return this.#state.is === 'open' || this.#state.is === 'committing'
  }

  async #init(): Promise<void> {
    try {
      this.#session = await this.#coordinator.init(null)
      if (this.state.is === 'new') this.#state = { is: 'ready' }
    } catch (error) {
      const { isFatal, error: failure } = verdictOn(asMillraceError(error), this.transactionalId)
      if (isFatal && this.state.is === 'new') this.#state = { is: 'failed', error: failure }
      throw failure
    }
  }

  /** The present identity. Throws when the transaction cannot take more. */
  #open(): TransactionSession {
    if (!this.#session || !this.#mayWrite) throw this.#refusal()
    return this.#session
  }

  async #sendOffsets(offsets: readonly CommittedOffset[], group: TransactionGroup): Promise<void> {
    const session = this.#open()
    this.#hasStarted = true
    if (session.version === 1 && !this.#groups.has(group.groupId)) {
      await this.#coordinator.addOffsets(session.identity, group.groupId)
      this.#groups.add(group.groupId)
    }
    await this.#coordinator.commitOffsets(session, group, offsets)
  }

  #endBy(ending: Promise<void>): Promise<void> {
    const settled = ending.finally(() => {
      if (this.#ending === settled) this.#ending = null
    })
    this.#ending = settled
    return settled
  }

  async #commit(isAgain: boolean): Promise<void> {
    if (!isAgain) {
      await this.#sink.flush()
      await this.#offsets
    }
    const session = this.#open()
    if (!this.#hasStarted) {
      this.#state = { is: 'ready' }
      return
    }
    try {
      const identity = await this.#coordinator.end(session, 'commit', isAgain)
      this.#ended({ ...session, identity })
    } catch (error) {
      const failure = asMillraceError(error)
      if (this.state.is === 'committing' && failure.retriable) {
        const doubt = inDoubt(failure, this.transactionalId)
        this.#state = { is: 'in doubt', error: doubt }
        throw doubt
      }
      throw this.#spoil(failure)
    }
  }

  async #abort(): Promise<void> {
    const message = 'The transaction is aborted: its records are not written.'
    try {
      this.#abandoning ??= this.#sink.abandon(new MillraceError('CANCELLED', message))
      await this.#abandoning
      await this.#offsets
      await this.#enlisting.settled()
      const session = this.#session
      if (!session) throw this.#refusal()
      let next = session
      if (this.#hasStarted) next = { ...session, identity: await this.#endAborted(session) }
      // What was numbered under this epoch is lost to it: sequences begin anew under the next one, which version 2 gives by itself.
      if (session.version === 1) next = await this.#coordinator.init(next.identity)
      this.#ended(next)
    } catch (error) {
      const { isFatal, error: failure } = verdictOn(asMillraceError(error), this.transactionalId)
      if (this.state.is === 'aborting') this.#state = { is: isFatal ? 'failed' : 'spoiled', error: failure }
      throw failure
    } finally {
      this.#abandoning = null
    }
  }

  /** Version 1 refuses to abort what never began there; the new epoch that follows settles it. */
  async #endAborted(session: TransactionSession): Promise<ProducerIdentity> {
    try {
      return await this.#coordinator.end(session, 'abort')
    } catch (error) {
      const isUnknownThere = error instanceof MillraceError && error.details.errorName === 'INVALID_TXN_STATE'
      if (session.version === 1 && isUnknownThere) return session.identity
      throw error
    }
  }

  #ended(next: TransactionSession): void {
    const former = this.#session?.identity
    this.#session = next
    const { producerId, producerEpoch } = next.identity
    if (producerId !== former?.producerId || producerEpoch !== former.producerEpoch) this.#sink.beginAnew()
    if (this.#state.is !== 'closed') this.#state = { is: 'ready' }
  }

  /** Gives the error to tell; what is still to be sent fails with it. */
  #spoil(cause: MillraceError): MillraceError {
    const { isFatal, error } = verdictOn(cause, this.transactionalId)
    if (!this.#mayWrite) return error
    this.#state = { is: isFatal ? 'failed' : 'spoiled', error }
    this.#abandoning ??= this.#sink.abandon(error)
    return error
  }

  #refusal(): MillraceError {
    return refusalOf(this.#state)
  }
}

export function createTransactionalProducer(
  cluster: Cluster,
  options: TransactionalProducerOptions,
  onClose: (producer: TransactionalProducer) => void,
): TransactionalProducer {
  return new KafkaTransactionalProducer(cluster, resolveTransactionalOptions(options), onClose)
}
