import { api, array, arrayOf, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Finds the coordinator of a group (key type 0) or transactional id (1); several at once from 4 on (KIP-699). */
export const findCoordinator = api(10, 'FindCoordinator', {
  versions: [0, 6],
  flexibleFrom: 3,
  request: {
    key: string({ to: 3 }),
    keyType: int8({ from: 1, default: 0 }),
    coordinatorKeys: arrayOf('string', { from: 4 }),
  },
  response: {
    throttleTimeMs: int32({ from: 1, ignorable: true }),
    errorCode: int16({ to: 3 }),
    errorMessage: string({ from: 1, to: 3, nullableFrom: 1, ignorable: true }),
    nodeId: int32({ to: 3 }),
    host: string({ to: 3 }),
    port: int32({ to: 3 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullableFrom: 4, ignorable: true }),
      },
      { from: 4 },
    ),
  },
})

export type FindCoordinatorRequest = RequestOf<typeof findCoordinator>
export type FindCoordinatorResponse = ResponseOf<typeof findCoordinator>
