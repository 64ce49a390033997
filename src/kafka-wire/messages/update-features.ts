import { api, array, bool, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Sets the levels of features that the whole cluster has agreed on (KIP-584). */
export const updateFeatures = api(57, 'UpdateFeatures', {
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    timeoutMs: int32({ default: 60_000 }),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool({ to: 0 }),
      upgradeType: int8({ from: 1, default: 1 }),
    }),
    validateOnly: bool({ from: 1, default: false }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0 }),
    results: array({ feature: string(), errorCode: int16(), errorMessage: string({ nullableFrom: 0 }) }, { to: 1, ignorable: true }),
  },
})

export type UpdateFeaturesRequest = RequestOf<typeof updateFeatures>
export type UpdateFeaturesResponse = ResponseOf<typeof updateFeatures>
