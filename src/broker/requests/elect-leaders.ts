import { electLeaders, errorCodes } from '../../kafka-wire/index.ts'
import { handler, type RequestContext } from './handler.ts'

/** KIP-460: 0 elects the preferred replica, 1 any. */
const mostElectionType = 1

/** The one broker leads every partition: there is never anything to elect. All partitions are asked for by null; then only those elected are told. */
export const electLeadersHandler = handler(electLeaders, [0, 2], (request, { broker }) => {
  if (request.electionType < 0 || request.electionType > mostElectionType)
    return { throttleTimeMs: 0, errorCode: errorCodes.INVALID_REQUEST, replicaElectionResults: [] }
  const all = broker.topics.all().map(({ name }) => ({ topic: name, partitions: [] }))
  const replicaElectionResults = (request.topicPartitions ?? all).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, ...outcome(topic, partitionId, broker) })),
  }))
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, replicaElectionResults }
})

function outcome(topic: string, partition: number, { topics }: RequestContext['broker']): { errorCode: number; errorMessage: string } {
  if (!topics.get(topic)) return { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `No such topic as ${topic}` }
  return topics.get(topic)?.logs[partition]
    ? { errorCode: errorCodes.ELECTION_NOT_NEEDED, errorMessage: 'The leader is the preferred replica, and the only one.' }
    : { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `No such partition as ${topic}-${partition}` }
}
