import { errorCodes, initProducerId } from '../../kafka-wire/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import { handler } from './handler.ts'

/** A fresh producer id for idempotence (KIP-98). There are no transactions: a transactional id is refused with an error that clients do not retry. */
export const initProducerIdHandler = handler(initProducerId, [0, 5], (request, { broker }) => {
  const refuse = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 })
  if (request.transactionalId === '') return refuse(errorCodes.INVALID_REQUEST)
  if (request.transactionalId !== null) return refuse(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  try {
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, producerId: BigInt(broker.catalogue.nextProducerId()), producerEpoch: 0 }
  } catch (error) {
    broker.log.warn('no producer id could be reserved', { error: asMillraceError(error) })
    return refuse(errorCodes.COORDINATOR_NOT_AVAILABLE)
  }
})
