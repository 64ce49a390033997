import { addOffsetsToTxn, errorCodes } from '../../kafka-wire/index.ts'
import { offsetsTopic } from '../topics/topics.ts'
import { handler } from './handler.ts'

/** PRODUCER_FENCED is known from this version on; INVALID_PRODUCER_EPOCH stands for it before. */
const fencedFrom = 2

/** Adds the partition that holds a group's offsets to a transaction (KIP-98). */
export const addOffsetsToTxnHandler = handler(addOffsetsToTxn, [0, 4], async (request, { broker, apiVersion }) => {
  const { transactionalId, groupId, producerEpoch } = request
  const partition = await broker.groups.partition(groupId)
  if (transactionalId === '') return { throttleTimeMs: 0, errorCode: errorCodes.INVALID_REQUEST }
  if (partition === null) return { throttleTimeMs: 0, errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE }
  const producer = { transactionalId, producerId: Number(request.producerId), epoch: producerEpoch }
  const errorCode = await broker.transactions.addPartitions(producer, [{ topic: offsetsTopic, partition }], 0)
  const tooNew = errorCode === errorCodes.PRODUCER_FENCED && apiVersion < fencedFrom
  return { throttleTimeMs: 0, errorCode: tooNew ? errorCodes.INVALID_PRODUCER_EPOCH : errorCode }
})
