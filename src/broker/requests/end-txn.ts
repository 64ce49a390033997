import { endTxn, errorCodes } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** PRODUCER_FENCED is known from this version on; INVALID_PRODUCER_EPOCH stands for it before. */
const fencedFrom = 2
/** KIP-890: from this version on the epoch rises with each transaction, and is answered. */
const raisesFrom = 5

/** Commits or aborts; what is answered is on the disk. */
export const endTxnHandler = handler(endTxn, [0, 5], async (request, { broker, apiVersion }) => {
  const producer = { transactionalId: request.transactionalId, producerId: Number(request.producerId), epoch: request.producerEpoch }
  const { errorCode, producerId, epoch } = await broker.transactions.end(producer, request.committed, apiVersion >= raisesFrom ? 2 : 0)
  const tooNew = errorCode === errorCodes.PRODUCER_FENCED && apiVersion < fencedFrom
  return {
    throttleTimeMs: 0,
    errorCode: tooNew ? errorCodes.INVALID_PRODUCER_EPOCH : errorCode,
    producerId: BigInt(producerId),
    producerEpoch: epoch,
  }
})
