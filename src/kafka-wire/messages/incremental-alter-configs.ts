import { api, array, bool, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Changes single configs (KIP-339): operation 0 set, 1 delete, 2 append, 3 subtract. */
export const incrementalAlterConfigs = api(44, 'IncrementalAlterConfigs', {
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), configOperation: int8(), value: string({ nullableFrom: 0 }) }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullableFrom: 0 }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
})

export type IncrementalAlterConfigsRequest = RequestOf<typeof incrementalAlterConfigs>
export type IncrementalAlterConfigsResponse = ResponseOf<typeof incrementalAlterConfigs>
