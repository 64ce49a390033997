import { errorCodes, listConfigResources } from '../../kafka-wire/index.ts'
import { resourceTypes } from './describe-configs.ts'
import { handler, nodeId, type RequestContext } from './handler.ts'

/** What has settings (KIP-1142); nothing asked for is everything, and version 0 asks for subscriptions of client metrics alone. */
export const listConfigResourcesHandler = handler(listConfigResources, [0, 1], (request, { broker, apiVersion }) => {
  const known: readonly number[] = Object.values(resourceTypes)
  const wanted = apiVersion === 0 ? [resourceTypes.clientMetrics] : request.resourceTypes.length > 0 ? request.resourceTypes : known
  if (wanted.some((type) => !known.includes(type)))
    return { throttleTimeMs: 0, errorCode: errorCodes.UNSUPPORTED_VERSION, configResources: [] }
  const configResources = [...new Set(wanted)].flatMap((resourceType) =>
    namesOf(resourceType, broker).map((resourceName) => ({ resourceName, ...(apiVersion === 0 ? {} : { resourceType }) })),
  )
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, configResources }
})

function namesOf(resourceType: number, broker: RequestContext['broker']): string[] {
  switch (resourceType) {
    case resourceTypes.topic:
      return broker.topics.all().map(({ name }) => name)
    case resourceTypes.broker:
    case resourceTypes.brokerLogger:
      return [String(nodeId)]
    case resourceTypes.group:
      return Object.keys(broker.config.dynamic.groups)
    default:
      return []
  }
}
