import { deleteTopics, errorCodes } from '../../kafka-wire/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import { handler, type RequestContext } from './handler.ts'

const zeroId = '00000000-0000-0000-0000-000000000000'

export const deleteTopicsHandler = handler(deleteTopics, [1, 6], async (request, context) => {
  const wanted = context.apiVersion >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: zeroId }))
  const responses = []
  for (const topic of wanted) responses.push(await remove(topic, context))
  return { throttleTimeMs: 0, responses }
})

async function remove({ name, topicId }: { name: string | null; topicId: string }, { broker }: RequestContext) {
  const topic = name === null ? broker.topics.byId(topicId) : broker.topics.get(name)
  if (!topic) {
    const errorCode = name === null ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return { name, topicId, errorCode, errorMessage: 'there is no such topic' }
  }
  const answer = { name: topic.name, topicId: topic.id }
  if (topic.internal) return { ...answer, errorCode: errorCodes.INVALID_REQUEST, errorMessage: `${topic.name} belongs to the broker` }
  try {
    await broker.topics.delete(topic, () => broker.groups.forgetTopics(new Set([topic.name])))
    return { ...answer, errorCode: errorCodes.NONE, errorMessage: null }
  } catch (error) {
    return { ...answer, errorCode: errorCodes.KAFKA_STORAGE_ERROR, errorMessage: asMillraceError(error).message }
  }
}
