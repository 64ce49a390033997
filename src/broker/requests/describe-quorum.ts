import { describeQuorum, errorCodes } from '../../kafka-wire/index.ts'
import { handler, nodeId } from './handler.ts'

const metadataTopic = '__cluster_metadata'
const noId = '00000000-0000-0000-0000-000000000000'

/** Who keeps the cluster's metadata (KIP-595): this broker alone, with an epoch for each start. Changes of topics stand for the log's offsets. */
export const describeQuorumHandler = handler(describeQuorum, [0, 2], (request, { broker, advertised }) => {
  const logEndOffset = BigInt(broker.topics.revision)
  const now = BigInt(broker.clock.nowMs())
  const voter = {
    replicaId: nodeId,
    replicaDirectoryId: noId,
    logEndOffset,
    lastFetchTimestamp: now,
    lastCaughtUpTimestamp: now,
  }
  const unknown = { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null, leaderId: 0, leaderEpoch: 0, highWatermark: 0n }
  const topics = request.topics.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions.map(({ partitionIndex }) =>
      topicName === metadataTopic && partitionIndex === 0
        ? {
            partitionIndex,
            errorCode: errorCodes.NONE,
            errorMessage: null,
            leaderId: nodeId,
            leaderEpoch: broker.catalogue.leaderEpoch,
            highWatermark: logEndOffset,
            currentVoters: [voter],
            observers: [],
          }
        : { ...unknown, partitionIndex, currentVoters: [], observers: [] },
    ),
  }))
  const isKnown = topics.some(({ partitions }) => partitions.some(({ errorCode }) => errorCode === errorCodes.NONE))
  const nodes = !isKnown ? [] : [{ nodeId, listeners: [{ name: 'CONTROLLER', host: advertised.host, port: advertised.port }] }]
  return { errorCode: errorCodes.NONE, errorMessage: null, topics, nodes }
})
