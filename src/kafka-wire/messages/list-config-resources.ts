import { api, array, arrayOf, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** What has settings (KIP-1142); version 0 lists client metrics subscriptions only (KIP-714). */
export const listConfigResources = api(74, 'ListConfigResources', {
  versions: [0, 1],
  flexibleFrom: 0,
  request: { resourceTypes: arrayOf('int8', { from: 1 }) },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({ resourceName: string(), resourceType: int8({ from: 1, default: 16, ignorable: true }) }),
  },
})

export type ListConfigResourcesRequest = RequestOf<typeof listConfigResources>
export type ListConfigResourcesResponse = ResponseOf<typeof listConfigResources>
