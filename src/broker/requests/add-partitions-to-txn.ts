import { addPartitionsToTxn, errorCodes } from '../../kafka-wire/index.ts'
import type { Producer } from '../transactions/coordinator.ts'
import { handler, type RequestContext } from './handler.ts'

interface Wanted {
  readonly producer: Producer
  readonly topics: readonly { name: string; partitions: readonly number[] }[]
  readonly verifyOnly: boolean
}

/** PRODUCER_FENCED is known from this version on; INVALID_PRODUCER_EPOCH stands for it before. */
const fencedFrom = 2

/** Adds partitions to a transaction (KIP-98): all, or none when one of them does not exist. Versions 4 and 5 take several transactions, or only ask. */
export const addPartitionsToTxnHandler = handler(addPartitionsToTxn, [0, 5], async (request, context) => {
  if (context.apiVersion < 4) {
    const producer = {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: Number(request.v3AndBelowProducerId),
      epoch: request.v3AndBelowProducerEpoch,
    }
    const wanted = { producer, topics: request.v3AndBelowTopics, verifyOnly: false }
    return { throttleTimeMs: 0, resultsByTopicV3AndBelow: await add(wanted, context) }
  }
  const resultsByTransaction = []
  for (const { transactionalId, producerId, producerEpoch, topics, verifyOnly } of request.transactions) {
    const producer = { transactionalId, producerId: Number(producerId), epoch: producerEpoch }
    resultsByTransaction.push({ transactionalId, topicResults: await add({ producer, topics, verifyOnly }, context) })
  }
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, resultsByTransaction }
})

async function add({ producer, topics, verifyOnly }: Wanted, { broker, apiVersion }: RequestContext) {
  const exists = (topic: string, partition: number): boolean => broker.topics.get(topic)?.logs[partition] !== undefined
  const places = topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ topic: name, partition })))
  const allExist = places.every(({ topic, partition }) => exists(topic, partition))
  const nothingToAdd = verifyOnly || !allExist
  let added: number = errorCodes.NONE
  if (producer.transactionalId === '') added = errorCodes.INVALID_REQUEST
  else if (!nothingToAdd) added = await broker.transactions.addPartitions(producer, places, 0)
  const codeOf = (topic: string, partition: number): number => {
    if (!exists(topic, partition)) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    if (!allExist) return errorCodes.OPERATION_NOT_ATTEMPTED
    return verifyOnly ? broker.transactions.verify(producer, { topic, partition }) : added
  }
  const said = (errorCode: number): number =>
    errorCode === errorCodes.PRODUCER_FENCED && apiVersion < fencedFrom ? errorCodes.INVALID_PRODUCER_EPOCH : errorCode
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode: said(codeOf(name, partitionIndex)) })),
  }))
}
