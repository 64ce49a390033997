import { createPartitions, errorCodes, type CreatePartitionsRequest } from '../../kafka-wire/index.ts'
import { handler, type RequestContext } from './handler.ts'

/** More partitions for a topic; `count` is the new total (KIP-195). */
export const createPartitionsHandler = handler(createPartitions, [0, 3], async (request, context) => {
  const results = []
  for (const wanted of request.topics) results.push({ name: wanted.name, ...(await grow(wanted, request.validateOnly, context)) })
  return { throttleTimeMs: 0, results }
})

async function grow(
  { name, count, assignments }: CreatePartitionsRequest['topics'][number],
  validateOnly: boolean,
  { broker }: RequestContext,
) {
  const topic = broker.topics.get(name)
  const refuse = (errorCode: number, errorMessage: string) => ({ errorCode, errorMessage })
  if (!topic) return refuse(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'there is no such topic')
  const now = topic.logs.length
  if (topic.internal) return refuse(errorCodes.INVALID_REQUEST, `${name} belongs to the broker`)
  if (count <= now)
    return refuse(errorCodes.INVALID_PARTITIONS, `Topic currently has ${now} partitions, which is not fewer than the requested ${count}.`)
  if (count > 10_000) return refuse(errorCodes.INVALID_PARTITIONS, 'a topic has at most 10000 partitions')
  if (
    assignments &&
    (assignments.length !== count - now || assignments.some(({ brokerIds }) => brokerIds.length !== 1 || brokerIds[0] !== 1))
  ) {
    return refuse(errorCodes.INVALID_REPLICA_ASSIGNMENT, 'each new partition lies on broker 1 alone')
  }
  const done = { errorCode: errorCodes.NONE, errorMessage: null }
  if (validateOnly) return done
  const grown = await broker.topics.addPartitions(topic, count)
  return grown.ok ? done : refuse(grown.errorCode, grown.message)
}
