import { describeConfigs, errorCodes, type DescribeConfigsRequest } from '../../kafka-wire/index.ts'
import {
  brokerConfigsWithSources,
  brokerDefaultsWithSources,
  groupConfigsWithSources,
  topicConfigsWithSources,
  type DescribedConfig,
} from '../topics/described-configs.ts'
import { handler, nodeId, type RequestContext } from './handler.ts'

/** Kafka's ConfigResource types. */
export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

export const describeConfigsHandler = handler(describeConfigs, [1, 4], (request, context) => ({
  throttleTimeMs: 0,
  results: request.resources.map((resource) => {
    const { resourceType, resourceName } = resource
    const found = configsOf(resource, context)
    if (!Array.isArray(found)) return { ...found, resourceType, resourceName, configs: [] }
    const wanted = resource.configurationKeys
    const configs = found
      .filter(({ name }) => wanted === null || wanted.length === 0 || wanted.includes(name))
      .map((config) => ({
        ...config,
        synonyms: request.includeSynonyms ? config.synonyms : [],
        documentation: request.includeDocumentation ? config.documentation : null,
      }))
    return { errorCode: errorCodes.NONE, errorMessage: null, resourceType, resourceName, configs }
  }),
}))

function configsOf(
  { resourceType, resourceName }: DescribeConfigsRequest['resources'][number],
  { broker }: RequestContext,
): DescribedConfig[] | { errorCode: number; errorMessage: string } {
  if (resourceType === resourceTypes.topic) {
    const topic = broker.topics.get(resourceName)
    return topic
      ? topicConfigsWithSources(topic.configs, broker.config)
      : { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: 'there is no such topic' }
  }
  if (resourceType === resourceTypes.group) {
    return resourceName === ''
      ? { errorCode: errorCodes.INVALID_REQUEST, errorMessage: 'the group has no name' }
      : groupConfigsWithSources(resourceName, broker.config)
  }
  // No metrics of clients are asked for (KIP-714).
  if (resourceType === resourceTypes.clientMetrics) return []
  const isLogger = resourceType === resourceTypes.brokerLogger
  if (resourceType !== resourceTypes.broker && !isLogger) {
    const known = Object.entries(resourceTypes).map(([name, type]) => `${name} (${type})`)
    return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: `resource type ${resourceType} is none of ${known.join(', ')}` }
  }
  // The empty name stands for the defaults of all brokers.
  if (resourceName === '' && !isLogger) return brokerDefaultsWithSources(broker.config)
  if (resourceName !== String(nodeId))
    return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: `this is broker ${nodeId}, not ${resourceName}` }
  // No level of its logger is changed while it runs.
  return isLogger ? [] : brokerConfigsWithSources(broker.config)
}
