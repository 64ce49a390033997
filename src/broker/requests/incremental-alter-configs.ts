import { errorCodes, incrementalAlterConfigs, type IncrementalAlterConfigsRequest } from '../../kafka-wire/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import { listItems } from '../topics/config-definition.ts'
import { effectiveTopicConfig, invalidTopicConfigs, topicConfigDefinitions } from '../topics/topic-configs.ts'
import { resourceTypes } from './describe-configs.ts'
import { handler, type RequestContext } from './handler.ts'

type Resource = IncrementalAlterConfigsRequest['resources'][number]

/** Kafka's AlterConfigOp types (KIP-339). */
const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

/** Changes single settings of topics (KIP-339). Settings of the broker are given when it starts. */
export const incrementalAlterConfigsHandler = handler(incrementalAlterConfigs, [0, 1], (request, context) => ({
  throttleTimeMs: 0,
  responses: request.resources.map((resource) => ({
    resourceType: resource.resourceType,
    resourceName: resource.resourceName,
    ...applyTopicConfigs(resource.resourceType, resource.resourceName, request.validateOnly, context, (current) =>
      changed(current, resource, context),
    ),
  })),
}))

type Change = { is: 'next'; configs: Record<string, string> } | { is: 'wrong'; errorCode: number; message: string }

function changed(current: Readonly<Record<string, string>>, { configs }: Resource, { broker }: RequestContext): Change {
  const next: Record<string, string> = { ...current }
  const empty = configs.find(({ value, configOperation }) => value === null && configOperation !== operations.delete)
  if (empty) return { is: 'wrong', errorCode: errorCodes.INVALID_REQUEST, message: `${empty.name} has no value` }
  for (const config of configs) {
    const wrong = change(next, config, (name) => effectiveTopicConfig(name, next, (key) => broker.config.text(key)) ?? '')
    if (wrong) return { is: 'wrong', errorCode: errorCodes.INVALID_CONFIG, message: wrong }
  }
  return { is: 'next', configs: next }
}

/** Gives a topic the settings that `change` makes of its present ones, or says what is wrong with them. */
export function applyTopicConfigs(
  resourceType: number,
  resourceName: string,
  validateOnly: boolean,
  { broker }: RequestContext,
  change: (current: Readonly<Record<string, string>>) => Change,
): { errorCode: number; errorMessage: string | null } {
  const refuse = (errorCode: number, errorMessage: string) => ({ errorCode, errorMessage })
  if (resourceType !== resourceTypes.topic)
    return refuse(errorCodes.INVALID_REQUEST, 'only settings of topics can be changed while the broker runs')
  const topic = broker.topics.get(resourceName)
  if (!topic) return refuse(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'there is no such topic')
  const next = change(topic.configs)
  if (next.is === 'wrong') return refuse(next.errorCode, next.message)
  const wrong = invalidTopicConfigs(next.configs)
  if (wrong) return refuse(errorCodes.INVALID_CONFIG, wrong)
  if (validateOnly) return { errorCode: errorCodes.NONE, errorMessage: null }
  try {
    broker.topics.configure(topic, next.configs)
    return { errorCode: errorCodes.NONE, errorMessage: null }
  } catch (error) {
    return refuse(errorCodes.KAFKA_STORAGE_ERROR, asMillraceError(error).message)
  }
}

/** Applies one operation to `next`; the text says what is wrong. */
function change(
  next: Record<string, string>,
  { name, configOperation, value }: Resource['configs'][number],
  current: (name: string) => string,
): string | null {
  if (configOperation === operations.delete) {
    delete next[name]
    return null
  }
  if (value === null) return `${name} has no value`
  if (configOperation === operations.set) {
    next[name] = value
    return null
  }
  const isList = topicConfigDefinitions.some((definition) => definition.name === name && definition.type === 'list')
  if (!isList || (configOperation !== operations.append && configOperation !== operations.subtract))
    return `${name} is not a list, or ${configOperation} is no operation`
  const items = listItems(current(name))
  const changed = listItems(value)
  next[name] = (
    configOperation === operations.append ? [...new Set([...items, ...changed])] : items.filter((item) => !changed.includes(item))
  ).join(',')
  return null
}
