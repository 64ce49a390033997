import { brokerConfigDefinitions, type BrokerConfig } from './broker-configs.ts'
import { configTypeCodes, type ConfigDefinition } from './config-definition.ts'
import { groupConfigDefinitions } from './group-configs.ts'
import { topicConfigDefinitions } from './topic-configs.ts'

/** Where a value comes from: Kafka's ConfigSource (KIP-226). */
const sources = { topic: 1, dynamicBroker: 2, dynamicDefault: 3, staticBroker: 4, default: 5, group: 8 } as const

/** One setting as DescribeConfigs answers it. */
export interface DescribedConfig {
  name: string
  value: string | null
  readOnly: boolean
  configSource: number
  isSensitive: boolean
  /** The values that count in turn, first the one in force. */
  synonyms: { name: string; value: string | null; source: number }[]
  configType: number
  documentation: string
}

export function topicConfigsWithSources(overrides: Readonly<Record<string, string>>, broker: BrokerConfig): DescribedConfig[] {
  return topicConfigDefinitions.map((definition) => {
    const { name } = definition
    const own = overrides[name]
    const synonyms = own === undefined ? [] : [{ name, value: own, source: sources.topic }]
    return described(definition, [...synonyms, ...brokerSynonyms(definition.broker ?? name, definition, broker)], false)
  })
}

export function brokerConfigsWithSources(broker: BrokerConfig): DescribedConfig[] {
  return brokerConfigDefinitions.map((definition) =>
    described(definition, brokerSynonyms(definition.name, definition, broker), definition.dynamic !== true),
  )
}

/** What was set for all brokers while they ran. */
export function brokerDefaultsWithSources(broker: BrokerConfig): DescribedConfig[] {
  const { defaults } = broker.dynamic
  return brokerConfigDefinitions.flatMap((definition) => {
    const value = defaults[definition.name]
    return value === undefined ? [] : [described(definition, [{ name: definition.name, value, source: sources.dynamicDefault }], false)]
  })
}

export function groupConfigsWithSources(groupId: string, broker: BrokerConfig): DescribedConfig[] {
  const own = broker.dynamic.groups[groupId] ?? {}
  return groupConfigDefinitions.map((definition) => {
    const { name } = definition
    const value = own[name]
    const synonyms = value === undefined ? [] : [{ name, value, source: sources.group }]
    return described(definition, [...synonyms, ...brokerSynonyms(definition.broker ?? name, definition, broker)], false)
  })
}

function brokerSynonyms(name: string, definition: ConfigDefinition, { overrides, dynamic }: BrokerConfig): DescribedConfig['synonyms'] {
  const set = [
    { value: dynamic.broker[name], source: sources.dynamicBroker },
    { value: dynamic.defaults[name], source: sources.dynamicDefault },
    { value: overrides[name], source: sources.staticBroker },
  ]
  const found = set.flatMap(({ value, source }) => (value === undefined ? [] : [{ name, value, source }]))
  return [...found, { name, value: definition.default, source: sources.default }]
}

function described(definition: ConfigDefinition, synonyms: DescribedConfig['synonyms'], readOnly: boolean): DescribedConfig {
  const isSensitive = definition.type === 'password'
  return {
    name: definition.name,
    value: isSensitive ? null : (synonyms[0]?.value ?? null),
    readOnly,
    configSource: synonyms[0]?.source ?? sources.default,
    isSensitive,
    synonyms,
    configType: configTypeCodes[definition.type],
    documentation: definition.doc,
  }
}
