import { errorCodes, initProducerId } from '../../kafka-wire/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import { handler } from './handler.ts'

/** PRODUCER_FENCED is known from this version on; INVALID_PRODUCER_EPOCH stands for it before. */
const fencedFrom = 4

/** A fresh producer id for idempotence, or with a transactional id its next epoch, which fences the one before (KIP-98, KIP-360). */
export const initProducerIdHandler = handler(initProducerId, [0, 5], (request, { broker, apiVersion }) => {
  const { transactionalId } = request
  const answer = (errorCode: number, producerId = -1, producerEpoch = -1) => ({
    throttleTimeMs: 0,
    errorCode: errorCode === errorCodes.PRODUCER_FENCED && apiVersion < fencedFrom ? errorCodes.INVALID_PRODUCER_EPOCH : errorCode,
    producerId: BigInt(producerId),
    producerEpoch,
  })
  if (transactionalId === '' || request.producerId < 0n !== request.producerEpoch < 0) return answer(errorCodes.INVALID_REQUEST)
  if (transactionalId !== null) {
    const wanted = { timeoutMs: request.transactionTimeoutMs, producerId: Number(request.producerId), epoch: request.producerEpoch }
    return broker.transactions
      .initialise(transactionalId, wanted)
      .then(({ errorCode, producerId, epoch }) => answer(errorCode, producerId, epoch))
  }
  try {
    return answer(errorCodes.NONE, broker.catalogue.nextProducerId(), 0)
  } catch (error) {
    broker.log.warn('no producer id could be reserved', { error: asMillraceError(error) })
    return answer(errorCodes.COORDINATOR_NOT_AVAILABLE)
  }
})
