import {
  describeProducers,
  describeTransactions,
  errorCodes,
  initProducerId,
  listTransactions,
  writeTxnMarkers,
} from '../kafka-wire/index.ts'
import { toLeader } from './admin-changes.ts'
import type { Cluster } from './cluster.ts'
import { withCoordinator } from './committed-offsets.ts'
import { kafkaError } from './errors.ts'
import type { TopicPartition } from './options.ts'

export interface TransactionListing {
  transactionalId: string
  producerId: bigint
  /** `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`, `Empty`, … */
  state: string
}

export interface TransactionDescription extends TransactionListing {
  producerEpoch: number
  timeoutMs: number
  /** When the open one began; null when there is none. */
  startedMs: number | null
  partitions: TopicPartition[]
}

/** A producer that a partition remembers (KIP-664). */
export interface ActiveProducer {
  producerId: bigint
  producerEpoch: number
  lastSequence: number
  lastTimestampMs: number
  coordinatorEpoch: number
  /** Where its open transaction begins; null when there is none. */
  transactionFrom: bigint | null
}

/** A transaction in one partition, as {@link ActiveProducer} tells it. */
export interface PartitionTransaction extends TopicPartition {
  producerId: bigint
  producerEpoch: number
  coordinatorEpoch: number
}

const PURPOSE = 'admin'
/** Below 5 the broker keeps to what every version knows. */
const INIT_PRODUCER_ID_AT_MOST = 4
const FENCE_TIMEOUT_MS = 60_000

export async function listAllTransactions(cluster: Cluster): Promise<TransactionListing[]> {
  const { brokers } = await cluster.retrying(async () => {
    await cluster.refresh([])
    return cluster.metadata([])
  })
  const perBroker = brokers.map(({ nodeId }) =>
    cluster.retrying(async () => {
      const filters = { stateFilters: [], producerIdFilters: [] }
      const answer = await cluster.ask(cluster.toNode(nodeId, PURPOSE), listTransactions, 0, () => filters)
      if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, 'Listing transactions')
      return answer.transactionStates
    }),
  )
  return (await Promise.all(perBroker))
    .flat()
    .map(({ transactionalId, producerId, transactionState }) => ({ transactionalId, producerId, state: transactionState }))
}

/** Null when there is no such transactional id. */
export function describeTransaction(cluster: Cluster, transactionalId: string): Promise<TransactionDescription | null> {
  return ofCoordinator(cluster, transactionalId, async () => {
    const answer = await cluster.ask(cluster.toCoordinator(transactionalId, PURPOSE, 'transaction'), describeTransactions, 0, () => ({
      transactionalIds: [transactionalId],
    }))
    const found = answer.transactionStates[0]
    const errorCode = found?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
    if (errorCode === errorCodes.TRANSACTIONAL_ID_NOT_FOUND) return null
    if (!found || errorCode !== errorCodes.NONE)
      throw kafkaError(errorCode, `Transactional id "${transactionalId}"`, { details: { transactionalId } })
    const { producerId, producerEpoch, transactionState: state, transactionTimeoutMs: timeoutMs, transactionStartTimeMs, topics } = found
    const startedMs = transactionStartTimeMs < 0n ? null : Number(transactionStartTimeMs)
    const partitions = topics.flatMap(({ topic, partitions: some }) => some.map((partition) => ({ topic, partition })))
    return { transactionalId, producerId, producerEpoch, state, timeoutMs, startedMs, partitions }
  })
}

export function producersOf(cluster: Cluster, { topic, partition }: TopicPartition): Promise<ActiveProducer[]> {
  return cluster.retrying(async () => {
    const answer = await cluster.ask(toLeader(cluster, topic, partition), describeProducers, 0, () => ({
      topics: [{ name: topic, partitionIndexes: [partition] }],
    }))
    const found = answer.topics[0]?.partitions[0]
    if (!found || found.errorCode !== errorCodes.NONE) {
      const options = { message: found?.errorMessage ?? null, details: { topic, partition } }
      throw kafkaError(
        found?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR,
        `Producers of partition ${partition} of topic "${topic}"`,
        options,
      )
    }
    return found.activeProducers.map(
      ({ producerId, producerEpoch, lastSequence, lastTimestamp, coordinatorEpoch, currentTxnStartOffset }) => ({
        producerId,
        producerEpoch,
        lastSequence,
        lastTimestampMs: Number(lastTimestamp),
        coordinatorEpoch,
        transactionFrom: currentTxnStartOffset < 0n ? null : currentTxnStartOffset,
      }),
    )
  })
}

/** Raises the epoch of a transactional id: its producer is fenced, and the coordinator aborts what it had open (KIP-664). */
export async function fenceProducer(cluster: Cluster, transactionalId: string): Promise<void> {
  await ofCoordinator(cluster, transactionalId, async () => {
    const { errorCode } = await cluster.ask(
      cluster.toCoordinator(transactionalId, PURPOSE, 'transaction'),
      initProducerId,
      INIT_PRODUCER_ID_AT_MOST,
      () => ({ transactionalId, transactionTimeoutMs: FENCE_TIMEOUT_MS, producerId: -1n, producerEpoch: -1 }),
    )
    if (errorCode !== errorCodes.NONE) throw kafkaError(errorCode, `Fencing "${transactionalId}"`, { details: { transactionalId } })
  })
}

/** Writes an abort marker into one partition: for a transaction that its coordinator does not know any more, and so never ends (KIP-664). */
export async function abortInPartition(cluster: Cluster, transaction: PartitionTransaction): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = transaction
  await cluster.retrying(async () => {
    const answer = await cluster.ask(toLeader(cluster, topic, partition), writeTxnMarkers, 1, () => ({
      markers: [
        {
          producerId,
          producerEpoch,
          transactionResult: false,
          topics: [{ name: topic, partitionIndexes: [partition] }],
          // As Kafka's tool: no coordinator wrote it.
          coordinatorEpoch: Math.max(0, coordinatorEpoch),
        },
      ],
    }))
    const errorCode = answer.markers[0]?.topics[0]?.partitions[0]?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
    if (errorCode !== errorCodes.NONE)
      throw kafkaError(errorCode, `Aborting in partition ${partition} of topic "${topic}"`, { details: { topic, partition } })
  })
}

function ofCoordinator<T>(cluster: Cluster, transactionalId: string, action: () => Promise<T>): Promise<T> {
  return withCoordinator(cluster, transactionalId, action, { of: 'transaction' })
}
