import { api, array, bool, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** What the broker answers. Its response header is always version 0; an unknown version is answered with error 35 in a version 0 body (KIP-511). */
export const apiVersions = api(18, 'ApiVersions', {
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    clientSoftwareName: string({ from: 3, ignorable: true }),
    clientSoftwareVersion: string({ from: 3, ignorable: true }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ from: 1, ignorable: true }),
    supportedFeatures: array(
      { name: string(), minVersion: int16(), maxVersion: int16() },
      { from: 3, tag: 0, taggedFrom: 3, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ from: 3, tag: 1, taggedFrom: 3, default: -1n, ignorable: true }),
    finalizedFeatures: array(
      { name: string(), maxVersionLevel: int16(), minVersionLevel: int16() },
      { from: 3, tag: 2, taggedFrom: 3, ignorable: true },
    ),
    zkMigrationReady: bool({ from: 3, tag: 3, taggedFrom: 3, default: false, ignorable: true }),
  },
})

export type ApiVersionsRequest = RequestOf<typeof apiVersions>
export type ApiVersionsResponse = ResponseOf<typeof apiVersions>
