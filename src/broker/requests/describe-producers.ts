import { describeProducers, errorCodes } from '../../kafka-wire/index.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { handler } from './handler.ts'

/** The idempotent and transactional producers that partitions remember (KIP-664). */
export const describeProducersHandler = handler(describeProducers, [0, 0], (request, { broker }) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const log = broker.topics.get(name)?.logs[partitionIndex]
      return log
        ? { partitionIndex, errorCode: errorCodes.NONE, errorMessage: null, activeProducers: producersOf(log) }
        : {
            partitionIndex,
            errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
            errorMessage: 'there is no such partition',
            activeProducers: [],
          }
    }),
  })),
}))

function producersOf({ producers }: PartitionLog) {
  return [...producers.entries()].map(([producerId, state]) => ({
    producerId: BigInt(producerId),
    producerEpoch: state.epoch,
    lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: BigInt(state.lastTimestampMs),
    coordinatorEpoch: state.coordinatorEpoch,
    currentTxnStartOffset: BigInt(state.transactionFrom ?? -1),
  }))
}
