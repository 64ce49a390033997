import { alterReplicaLogDirs, errorCodes } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** Moves partitions to another folder of the broker (KIP-113): there is one, where they lie already. */
export const alterReplicaLogDirsHandler = handler(alterReplicaLogDirs, [1, 2], (request, { broker }) => {
  const codeOf = (path: string, topic: string, partition: number): number => {
    if (path !== broker.topics.dataDir) return errorCodes.LOG_DIR_NOT_FOUND
    return broker.topics.get(topic)?.logs[partition] ? errorCodes.NONE : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  }
  const results = request.dirs.flatMap(({ path, topics }) =>
    topics.map(({ name, partitions }) => ({
      topicName: name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: codeOf(path, name, partitionIndex) })),
    })),
  )
  return { throttleTimeMs: 0, results }
})
