import { api, array, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Adds access rules (KIP-140). */
export const createAcls = api(30, 'CreateAcls', {
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: { throttleTimeMs: int32(), results: array({ errorCode: int16(), errorMessage: string({ nullableFrom: 0 }) }) },
})

export type CreateAclsRequest = RequestOf<typeof createAcls>
export type CreateAclsResponse = ResponseOf<typeof createAcls>
