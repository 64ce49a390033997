import { addOffsetsToTxn, addPartitionsToTxn, endTxn, errorCodes, initProducerId, txnOffsetCommit } from '../kafka-wire/index.ts'
import { asMillraceError, MillraceError } from '../platform/index.ts'
import type { Cluster } from './cluster.ts'
import { type CommittedOffset, offsetsByTopic, withCoordinator } from './committed-offsets.ts'
import type { Connection } from './connection.ts'
import { isNetworkError } from './errors.ts'
import type { ResolvedTransactionalOptions, TopicPartition } from './options.ts'
import type { ProducerIdentity } from './partition-queue.ts'
import { throwAnswered, verdictOn } from './transaction-errors.ts'

/**
 * 1: partitions and offsets are added to a transaction before they are written, the epoch stays when it ends. 2 (KIP-890): the write adds
 * them, and each end raises the epoch. The broker tells by the versions of the requests.
 */
type TransactionVersion = 1 | 2

export interface TransactionSession {
  identity: ProducerIdentity
  version: TransactionVersion
}

/** Whose offsets a transaction commits. Without a member they are fenced by the producer's epoch alone. */
export interface TransactionGroup {
  readonly groupId: string
  readonly memberId?: string
  readonly generationId?: number
  readonly groupInstanceId?: string | null
}

const INIT_AT_MOST = 5
/** Bumping the epoch of a producer id (KIP-360); TxnOffsetCommit 3, fenced by the generation (KIP-447), is as old. */
const INIT_AT_LEAST = 3
/** 4 and 5 are between brokers, and need rights on the cluster. */
const ADD_PARTITIONS_AT_MOST = 3
const ADD_OFFSETS_AT_MOST = 4
const TXN_OFFSET_COMMIT_AT_MOST = { 1: 4, 2: 5 }
const END_TXN_AT_MOST = { 1: 4, 2: 5 }
/** Produce from 12 on adds its partitions to the transaction. */
export const PRODUCE_AT_MOST = { 1: 11, 2: 12 }

/** The requests of transactions, tried again while coordinators move, load, or are busy with the transaction before. */
export class TransactionCoordinator {
  readonly #cluster: Cluster
  readonly #options: ResolvedTransactionalOptions
  readonly #purpose: string
  readonly #signal: AbortSignal

  constructor(cluster: Cluster, options: ResolvedTransactionalOptions, purpose: string, signal: AbortSignal) {
    this.#cluster = cluster
    this.#options = options
    this.#purpose = purpose
    this.#signal = signal
  }

  /** A producer id whose epoch fences all before it. With `current`: only if that is still the latest one (KIP-360). */
  init(current: ProducerIdentity | null): Promise<TransactionSession> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    return this.#retrying(async () => {
      const connection = await this.#connection()
      const version = connection.version(initProducerId, INIT_AT_MOST)
      if (version < INIT_AT_LEAST)
        throw new MillraceError('PROTOCOL', `Transactions need Kafka 2.5 or later; ${connection.address} is older.`)
      const { producerId, producerEpoch } = current ?? { producerId: -1n, producerEpoch: -1 }
      const body = { transactionalId, transactionTimeoutMs, producerId, producerEpoch }
      const answer = await connection.request(initProducerId, version, body, this.#answerTimeoutMs)
      throwAnswered(answer.errorCode, 'Taking a producer id', transactionalId)
      return {
        identity: { producerId: answer.producerId, producerEpoch: answer.producerEpoch },
        version: connection.featureLevel('transaction.version') >= 2 ? 2 : 1,
      }
    })
  }

  /** Version 1: before the first record of a partition. */
  addPartitions(identity: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<void> {
    const { transactionalId } = this.#options
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, some]) => ({
      name,
      partitions: some.map(({ partition }) => partition),
    }))
    return this.#retrying(async () => {
      const answer = await this.#cluster.ask(
        this.#connection(),
        addPartitionsToTxn,
        ADD_PARTITIONS_AT_MOST,
        () => ({
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: identity.producerId,
          v3AndBelowProducerEpoch: identity.producerEpoch,
          v3AndBelowTopics: topics,
        }),
        this.#answerTimeoutMs,
      )
      const said = answer.resultsByTopicV3AndBelow.flatMap(({ name, resultsByPartition }) =>
        resultsByPartition.map(({ partitionErrorCode }) => ({ name, errorCode: partitionErrorCode })),
      )
      // Of the others the broker says only that it did not try them.
      const cause = worstOf(said)
      if (cause) {
        const needs = { operation: 'Write', on: 'topic', name: cause.name } as const
        throwAnswered(cause.errorCode, `Adding "${cause.name}" to a transaction`, transactionalId, needs)
      }
    })
  }

  /** Version 1: before the first offsets of a group. */
  addOffsets(identity: ProducerIdentity, groupId: string): Promise<void> {
    const { transactionalId } = this.#options
    return this.#retrying(async () => {
      const { errorCode } = await this.#cluster.ask(
        this.#connection(),
        addOffsetsToTxn,
        ADD_OFFSETS_AT_MOST,
        () => ({ transactionalId, ...identity, groupId }),
        this.#answerTimeoutMs,
      )
      const needs = { operation: 'Read', on: 'group', name: groupId } as const
      throwAnswered(errorCode, `Adding group "${groupId}" to a transaction`, transactionalId, needs)
    })
  }

  /** All of them in one request to the group's coordinator. */
  commitOffsets({ identity, version }: TransactionSession, group: TransactionGroup, offsets: readonly CommittedOffset[]): Promise<void> {
    const { transactionalId } = this.#options
    const { groupId, memberId = '', generationId = -1, groupInstanceId = null } = group
    const topics = offsetsByTopic(offsets)
    const body = { transactionalId, groupId, ...identity, generationIdOrMemberEpoch: generationId, memberId, groupInstanceId, topics }
    const commitOnce = async (): Promise<void> => {
      const connection = this.#cluster.toCoordinator(groupId, this.#purpose)
      const atMost = TXN_OFFSET_COMMIT_AT_MOST[version]
      const answer = await this.#cluster.ask(connection, txnOffsetCommit, atMost, () => body, this.#answerTimeoutMs)
      const refused = worstOf(answer.topics.flatMap(({ partitions }) => partitions))
      const needs = { operation: 'Read', on: 'group', name: groupId } as const
      if (refused) throwAnswered(refused.errorCode, `Committing offsets of group "${groupId}" in a transaction`, transactionalId, needs)
    }
    return withCoordinator(this.#cluster, groupId, commitOnce, { withinMs: this.#options.deliveryTimeoutMs, signal: this.#signal })
  }

  /**
   * Commits or aborts; asked until the coordinator tells, since a lost answer may have been a yes. Gives the identity of the next
   * transaction. A refusal after a lost answer has details.outcome `unknown`.
   * @param wasUnknown an answer was lost in an earlier call
   */
  async end({ identity, version }: TransactionSession, outcome: 'commit' | 'abort', wasUnknown = false): Promise<ProducerIdentity> {
    const { transactionalId } = this.#options
    let isUnknown = wasUnknown
    try {
      return await this.#retrying(async () => {
        const connection = await this.#connection()
        try {
          const body = { transactionalId, ...identity, committed: outcome === 'commit' }
          const api = connection.version(endTxn, END_TXN_AT_MOST[version])
          const answer = await connection.request(endTxn, api, body, this.#answerTimeoutMs)
          const errorCode = isTakenOver(answer.errorCode, version, outcome) ? errorCodes.PRODUCER_FENCED : answer.errorCode
          throwAnswered(errorCode, outcome === 'commit' ? 'Committing' : 'Aborting', transactionalId)
          const { producerId, producerEpoch } = answer
          return version === 2 && producerId >= 0n ? { producerId, producerEpoch } : identity
        } catch (error) {
          isUnknown ||= isNetworkError(error)
          throw error
        }
      })
    } catch (error) {
      const failure = verdictOn(asMillraceError(error), transactionalId).error
      if (!isUnknown || outcome === 'abort') throw failure
      const details = { ...failure.details, outcome: 'unknown' }
      throw new MillraceError(failure.code, failure.message, { cause: failure, details, retriable: failure.retriable })
    }
  }

  get #answerTimeoutMs(): number {
    return this.#cluster.options.answerTimeoutMs
  }

  #connection(): Promise<Connection> {
    return this.#cluster.toCoordinator(this.#options.transactionalId, this.#purpose, 'transaction')
  }

  #retrying<T>(action: () => Promise<T>): Promise<T> {
    const { transactionalId, deliveryTimeoutMs } = this.#options
    const call = { of: 'transaction', withinMs: deliveryTimeoutMs, signal: this.#signal } as const
    return withCoordinator(this.#cluster, transactionalId, action, call)
  }
}

/** The refusal that explains the others; null when there is none. */
function worstOf<T extends { errorCode: number }>(answers: readonly T[]): T | null {
  const refused = answers.filter(({ errorCode }) => errorCode !== errorCodes.NONE)
  return refused.find(({ errorCode }) => errorCode !== errorCodes.OPERATION_NOT_ATTEMPTED) ?? refused[0] ?? null
}

/**
 * An epoch that another producer, or the time-out, has just raised looks to the coordinator like that of a version 2 request which is
 * asked again: a commit is then refused by the state, since what was aborted cannot be committed.
 */
function isTakenOver(errorCode: number, version: TransactionVersion, outcome: 'commit' | 'abort'): boolean {
  return errorCode === errorCodes.INVALID_TXN_STATE && version === 2 && outcome === 'commit'
}
