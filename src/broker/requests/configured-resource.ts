import { errorCodes } from '../../kafka-wire/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import { brokerConfigDefinitions, invalidDynamicConfigs } from '../topics/broker-configs.ts'
import type { ConfigDefinition } from '../topics/config-definition.ts'
import { groupConfigDefinitions, groupNumber, invalidGroupConfigs } from '../topics/group-configs.ts'
import { effectiveTopicConfig, invalidTopicConfigs, topicConfigDefinitions } from '../topics/topic-configs.ts'
import { resourceTypes } from './describe-configs.ts'
import { nodeId, type RequestContext } from './handler.ts'

export type Configs = Readonly<Record<string, string>>

/** Something whose settings can be changed: a topic, this broker, all brokers, a group. */
interface Configured {
  readonly definitions: readonly ConfigDefinition[]
  readonly current: Configs
  /** The value that counts when these are set. */
  readonly effective: (name: string, configs: Configs) => string
  /** How wrong settings are answered. */
  readonly invalidCode: number
  /** What is wrong with these settings, or null. */
  invalid(configs: Configs): string | null
  /** Makes them count, once they are on the disk. */
  apply(configs: Configs): void
}

export interface Outcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export type Change = { is: 'next'; configs: Configs } | { is: 'wrong'; errorCode: number; message: string }

/** Gives a resource the settings that `change` makes of its present ones, or says what is wrong with them. */
export function applyConfigs(
  resource: { readonly resourceType: number; readonly resourceName: string },
  validateOnly: boolean,
  context: RequestContext,
  change: (resource: Configured) => Change,
): Outcome {
  const found = configuredResource(resource.resourceType, resource.resourceName, context.broker)
  if ('errorCode' in found) return found
  const next = change(found)
  if (next.is === 'wrong') return { errorCode: next.errorCode, errorMessage: next.message }
  const wrong = found.invalid(next.configs)
  if (wrong) return { errorCode: found.invalidCode, errorMessage: wrong }
  try {
    if (!validateOnly) found.apply(next.configs)
    return { errorCode: errorCodes.NONE, errorMessage: null }
  } catch (error) {
    return { errorCode: errorCodes.KAFKA_STORAGE_ERROR, errorMessage: asMillraceError(error).message }
  }
}

function configuredResource(type: number, name: string, broker: RequestContext['broker']): Configured | Outcome {
  const refuse = (errorCode: number, errorMessage: string): Outcome => ({ errorCode, errorMessage })
  switch (type) {
    case resourceTypes.topic: {
      const topic = broker.topics.get(name)
      if (!topic) return refuse(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'there is no such topic')
      return {
        definitions: topicConfigDefinitions,
        current: topic.configs,
        effective: (config, configs) => effectiveTopicConfig(config, configs, (key) => broker.config.text(key)) ?? '',
        invalidCode: errorCodes.INVALID_CONFIG,
        invalid: invalidTopicConfigs,
        apply: (configs) => broker.topics.configure(topic, configs),
      }
    }
    case resourceTypes.broker:
      if (name !== '' && name !== String(nodeId)) return refuse(errorCodes.INVALID_REQUEST, `this is broker ${nodeId}, not ${name}`)
      return brokerResource(name === '' ? 'defaults' : 'broker', broker)
    case resourceTypes.group:
      if (name === '') return refuse(errorCodes.INVALID_REQUEST, 'the group has no name')
      return groupResource(name, broker)
    default:
      return refuse(errorCodes.INVALID_REQUEST, `settings of resource type ${type} cannot be changed`)
  }
}

function brokerResource(which: 'broker' | 'defaults', { config, topics }: RequestContext['broker']): Configured {
  return {
    definitions: brokerConfigDefinitions,
    current: config.dynamic[which],
    effective: (name, configs) => configs[name] ?? config.text(name) ?? '',
    // As Kafka.
    invalidCode: errorCodes.INVALID_REQUEST,
    invalid: invalidDynamicConfigs,
    apply: (configs) => topics.configureBroker({ ...config.dynamic, [which]: configs }),
  }
}

function groupResource(groupId: string, { config, topics }: RequestContext['broker']): Configured {
  const { [groupId]: current = {}, ...others } = config.dynamic.groups
  return {
    definitions: groupConfigDefinitions,
    current,
    effective: (name, configs) => configs[name] ?? String(groupNumber(config, groupId, name)),
    invalidCode: errorCodes.INVALID_CONFIG,
    invalid: invalidGroupConfigs,
    apply: (configs) => {
      const groups = Object.keys(configs).length > 0 ? { ...others, [groupId]: configs } : others
      topics.configureBroker({ ...config.dynamic, groups })
    },
  }
}
