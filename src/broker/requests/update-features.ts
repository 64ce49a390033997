import { errorCodes, updateFeatures } from '../../kafka-wire/index.ts'
import { brokerFeatures } from './api-versions.ts'
import { handler } from './handler.ts'

/** From this version on what went well is not told one by one (KIP-1022); what went wrong is one answer for all. */
const withoutResultsFrom = 2

/** Levels of features (KIP-584) are those of this broker: asking for the present one changes nothing, for another one is refused. */
export const updateFeaturesHandler = handler(updateFeatures, [0, 2], (request, { apiVersion }) => {
  const results = request.featureUpdates.map(({ feature, maxVersionLevel }) => ({ feature, ...outcome(feature, maxVersionLevel) }))
  const failed = results.find(({ errorCode }) => errorCode !== errorCodes.NONE)
  if (failed) return { throttleTimeMs: 0, errorCode: failed.errorCode, errorMessage: failed.errorMessage }
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: null, results: apiVersion < withoutResultsFrom ? results : [] }
})

function outcome(feature: string, wanted: number): { errorCode: number; errorMessage: string | null } {
  const known = brokerFeatures.find(({ name }) => name === feature)
  if (known?.level === wanted) return { errorCode: errorCodes.NONE, errorMessage: null }
  const errorMessage = known
    ? `Feature ${feature} is at level ${known.level} and stays there: another level comes with another version of the broker.`
    : `Invalid update version ${wanted} for feature ${feature}. The broker does not support this feature.`
  return { errorCode: errorCodes.INVALID_UPDATE_VERSION, errorMessage }
}
