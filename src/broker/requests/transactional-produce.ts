import { errorCodes, type ProduceRequest } from '../../kafka-wire/index.ts'
import { batchHeaderBytes, magic2 } from '../log/batch-view.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Place, Producer } from '../transactions/coordinator.ts'
import type { RequestContext } from './handler.ts'

/** From this version on producers know TRANSACTION_ABORTABLE; INVALID_TXN_STATE stands for it before. */
const abortableFrom = 11
/** KIP-890: from this version on produce adds the partitions to the transaction by itself. */
const addsFrom = 12

/** Whether the bytes are a transactional batch: attribute bit 4. */
export function isTransactional(records: Uint8Array | null): records is Uint8Array {
  return records !== null && records.length >= batchHeaderBytes && records[16] === magic2 && ((records[22] ?? 0) & 0x10) !== 0
}

/** Who wrote a transactional batch, by its header. */
function producerOf(transactionalId: string, records: Uint8Array): Producer {
  const view = new DataView(records.buffer, records.byteOffset, batchHeaderBytes)
  return { transactionalId, producerId: Number(view.getBigInt64(43)), epoch: view.getInt16(51) }
}

/** Whether the producer's transaction is open in this partition already, so that it need not be looked up. */
function isOpen(log: PartitionLog, { producerId, epoch }: Producer): boolean {
  const state = log.producers.get(producerId)
  return state !== undefined && state.epoch === epoch && state.transactionFrom !== null
}

/**
 * Adds what the request writes to the transaction (KIP-890); a promise where that takes time, and where something of the same id is
 * under way, so that batches stay in their order. Resolves to the error code of the partitions that were to be added.
 */
export function addToTransaction(request: ProduceRequest, { broker, apiVersion }: RequestContext): Promise<number> | null {
  const { transactionalId, topicData } = request
  if (apiVersion < addsFrom || transactionalId === null) return null
  let producer: Producer | null = null
  const places: Place[] = []
  for (const { name, partitionData } of topicData) {
    for (const { index, records } of partitionData) {
      const log = broker.topics.get(name)?.logs[index]
      if (!log || !isTransactional(records)) continue
      producer = producerOf(transactionalId, records)
      if (!isOpen(log, producer)) places.push({ topic: name, partition: index })
    }
  }
  if (!producer) return null
  if (places.length > 0) return broker.transactions.addPartitions(producer, places, 2)
  return broker.transactions.isBusy(transactionalId) ? broker.transactions.settled(transactionalId) : null
}

/** Why this batch may not be written now, or NONE. Asked right before it is appended: nothing can come between. */
export function transactionError(
  { transactionalId }: ProduceRequest,
  log: PartitionLog,
  records: Uint8Array,
  { broker, apiVersion }: RequestContext,
): number {
  if (transactionalId === null || !isTransactional(records)) return errorCodes.NONE
  const producer = producerOf(transactionalId, records)
  if (isOpen(log, producer)) return errorCodes.NONE
  return told(broker.transactions.verify(producer, { topic: log.topic, partition: log.partition }), apiVersion)
}

/** The error code as producers of this version know it. */
export function told(errorCode: number, apiVersion: number): number {
  switch (errorCode) {
    case errorCodes.PRODUCER_FENCED:
      return errorCodes.INVALID_PRODUCER_EPOCH
    case errorCodes.TRANSACTION_ABORTABLE:
      return apiVersion < abortableFrom ? errorCodes.INVALID_TXN_STATE : errorCode
    case errorCodes.CONCURRENT_TRANSACTIONS:
      // As Kafka: older producers try again after this one only.
      return apiVersion < addsFrom ? errorCodes.NOT_ENOUGH_REPLICAS : errorCode
    default:
      return errorCode
  }
}
