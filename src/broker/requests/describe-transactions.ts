import { describeTransactions, errorCodes } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** The state of transactions by their ids (KIP-664). */
export const describeTransactionsHandler = handler(describeTransactions, [0, 0], (request, { broker }) => ({
  throttleTimeMs: 0,
  transactionStates: request.transactionalIds.map((transactionalId) => {
    const found = broker.transactions.get(transactionalId)
    const unknown = transactionalId === '' ? errorCodes.INVALID_REQUEST : errorCodes.TRANSACTIONAL_ID_NOT_FOUND
    return {
      errorCode: found ? errorCodes.NONE : unknown,
      transactionalId,
      transactionState: found?.status ?? '',
      transactionTimeoutMs: found?.timeoutMs ?? 0,
      transactionStartTimeMs: BigInt(found ? found.startMs : 0),
      producerId: BigInt(found?.producerId ?? 0),
      producerEpoch: found?.epoch ?? 0,
      topics: [...(found?.partitions ?? [])].map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
    }
  }),
}))
