import { alterPartitionReassignments, errorCodes } from '../../kafka-wire/index.ts'
import { handler, nodeId, type RequestContext } from './handler.ts'

interface Outcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Moves of replicas (KIP-455): there is one broker, so that each partition is where it may be. Null replicas end a move: there is none. */
export const alterPartitionReassignmentsHandler = handler(alterPartitionReassignments, [0, 1], (request, { broker }) => ({
  throttleTimeMs: 0,
  allowReplicationFactorChange: request.allowReplicationFactorChange,
  errorCode: errorCodes.NONE,
  errorMessage: null,
  responses: request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }) => ({ partitionIndex, ...outcome(name, partitionIndex, replicas, broker) })),
  })),
}))

function outcome(topic: string, partition: number, replicas: readonly number[] | null, { topics }: RequestContext['broker']): Outcome {
  const refused = (errorCode: number, errorMessage: string): Outcome => ({ errorCode, errorMessage })
  if (!topics.get(topic)?.logs[partition]) return refused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find ${topic}-${partition}.`)
  if (replicas === null) return refused(errorCodes.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.')
  if (replicas.length === 0) return refused(errorCodes.INVALID_REPLICA_ASSIGNMENT, 'The replicas are an empty list.')
  if (new Set(replicas).size < replicas.length) return refused(errorCodes.INVALID_REPLICA_ASSIGNMENT, 'A broker is named twice.')
  const stranger = replicas.find((replica) => replica !== nodeId)
  return stranger === undefined
    ? { errorCode: errorCodes.NONE, errorMessage: null }
    : refused(errorCodes.INVALID_REPLICA_ASSIGNMENT, `There is no broker ${stranger}.`)
}
