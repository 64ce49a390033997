import { errorCodes, offsetDelete } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** Deletes single offsets of a group, but not of topics that its members read (KIP-496). */
export const offsetDeleteHandler = handler(offsetDelete, [0, 0], async (request, { broker }) => {
  const unknown = (topic: string): boolean => broker.topics.get(topic) === undefined
  const wanted = request.topics
    .filter(({ name }) => !unknown(name))
    .flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })))
  const outcome = await broker.groups.deleteOffsets(request.groupId, wanted)
  if (outcome.errorCode !== errorCodes.NONE) return { errorCode: outcome.errorCode, throttleTimeMs: 0, topics: [] }
  const codeOf = (topic: string): number => {
    if (unknown(topic)) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return outcome.subscribed(topic) ? errorCodes.GROUP_SUBSCRIBED_TO_TOPIC : errorCodes.NONE
  }
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: codeOf(name) })),
  }))
  return { errorCode: errorCodes.NONE, throttleTimeMs: 0, topics }
})
