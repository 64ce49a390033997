import { api, array, arrayOf, int16, int32, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Moves partitions to another folder of the same broker (KIP-113). */
export const alterReplicaLogDirs = api(34, 'AlterReplicaLogDirs', {
  versions: [1, 2],
  flexibleFrom: 2,
  request: { dirs: array({ path: string(), topics: array({ name: string(), partitions: arrayOf('int32') }) }) },
  response: {
    throttleTimeMs: int32(),
    results: array({ topicName: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
})

export type AlterReplicaLogDirsRequest = RequestOf<typeof alterReplicaLogDirs>
export type AlterReplicaLogDirsResponse = ResponseOf<typeof alterReplicaLogDirs>
