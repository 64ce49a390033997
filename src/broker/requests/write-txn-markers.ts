import { errorCodes, writeTxnMarkers, type WriteTxnMarkersRequest } from '../../kafka-wire/index.ts'
import { offsetsTopic } from '../topics/topics.ts'
import { handler, type RequestContext } from './handler.ts'

/** Ends a transaction in single partitions: how an administrator aborts one that hangs (KIP-664). */
export const writeTxnMarkersHandler = handler(writeTxnMarkers, [1, 2], async (request, context) => ({
  markers: await Promise.all(
    request.markers.map(async (marker) => ({
      producerId: marker.producerId,
      topics: await Promise.all(
        marker.topics.map(async ({ name, partitionIndexes }) => ({
          name,
          partitions: await Promise.all(
            partitionIndexes.map(async (partitionIndex) => ({
              partitionIndex,
              errorCode: await write(marker, name, partitionIndex, context),
            })),
          ),
        })),
      ),
    })),
  ),
}))

async function write(
  { producerId, producerEpoch, transactionResult, coordinatorEpoch }: WriteTxnMarkersRequest['markers'][number],
  topic: string,
  partition: number,
  { broker }: RequestContext,
): Promise<number> {
  const log = broker.topics.get(topic)?.logs[partition]
  if (!log) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const marker = { producerId: Number(producerId), epoch: producerEpoch, commit: transactionResult, coordinatorEpoch }
  const newest = log.producers.get(marker.producerId)?.coordinatorEpoch ?? -1
  if (coordinatorEpoch < newest) return errorCodes.TRANSACTION_COORDINATOR_FENCED
  const appended = log.appendMarker(marker)
  if (!appended.ok) return appended.errorCode
  if ((await log.visible(appended.endOffset)) !== null) return errorCodes.KAFKA_STORAGE_ERROR
  if (topic === offsetsTopic) broker.groups.endTransaction(partition, marker.producerId, transactionResult)
  return errorCodes.NONE
}
