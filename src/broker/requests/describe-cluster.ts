import { describeCluster, errorCodes } from '../../kafka-wire/index.ts'
import { operations, unasked } from './authorized-operations.ts'
import { handler, nodeId } from './handler.ts'

export const describeClusterHandler = handler(describeCluster, [0, 2], (request, { broker, advertised }) => ({
  throttleTimeMs: 0,
  errorCode: errorCodes.NONE,
  errorMessage: null,
  clusterId: broker.clusterId,
  controllerId: nodeId,
  clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? operations.cluster : unasked,
  brokers: [{ brokerId: nodeId, host: advertised.host, port: advertised.port, rack: null }],
}))
