import { apiVersions, encodeResponseFrame, errorCodes } from '../../kafka-wire/index.ts'
import type { Answer, Handler } from './handler.ts'

/** The first version whose readers know that a feature's lowest level may be 0; Java's older clients end at one (KAFKA-17011). */
const knowsLevelZero = 4

/** KIP-584: clients look for these. Groups of version 1 are those of KIP-848; transactions of version 2 raise the epoch with each transaction (KIP-890). */
export const brokerFeatures: readonly { readonly name: string; readonly level: number }[] = [
  { name: 'group.version', level: 1 },
  { name: 'transaction.version', level: 2 },
]

function features(apiVersion: number) {
  return {
    supportedFeatures:
      apiVersion < knowsLevelZero ? [] : brokerFeatures.map(({ name, level }) => ({ name, minVersion: 0, maxVersion: level })),
    finalizedFeaturesEpoch: 1n,
    finalizedFeatures: brokerFeatures.map(({ name, level }) => ({ name, minVersionLevel: level, maxVersionLevel: level })),
  }
}

/**
 * What this broker answers. A version it does not know is answered with UNSUPPORTED_VERSION in a version 0 body, which lists
 * what it knows (KIP-511).
 */
export function apiVersionsHandler(others: readonly Handler[]): Handler {
  const [min, max] = apiVersions.request.versions
  const all = [...others.map(({ key, advertised }) => ({ key, advertised })), { key: apiVersions.key, advertised: [min, max] as const }]
  const apiKeys = all
    .toSorted((a, b) => a.key - b.key)
    .map(({ key, advertised }) => ({ apiKey: key, minVersion: advertised[0], maxVersion: advertised[1] }))
  return {
    key: apiVersions.key,
    name: apiVersions.name,
    advertised: [min, max],
    answer(correlationId, body, { apiVersion }): Answer {
      if (apiVersion < min || apiVersion > max) {
        return encodeResponseFrame(apiVersions, 0, correlationId, { errorCode: errorCodes.UNSUPPORTED_VERSION, apiKeys })
      }
      const request = apiVersions.request.decode(apiVersion, body)
      const errorCode = request.ok ? errorCodes.NONE : errorCodes.INVALID_REQUEST
      return encodeResponseFrame(apiVersions, apiVersion, correlationId, { errorCode, apiKeys, throttleTimeMs: 0, ...features(apiVersion) })
    },
  }
}
