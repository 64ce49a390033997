import { brokerConfigDefinitions, type BrokerConfig } from './broker-configs.ts'
import { configTypeCodes, type ConfigDefinition } from './config-definition.ts'
import { topicConfigDefinitions } from './topic-configs.ts'

/** Where a value comes from: Kafka's ConfigSource (KIP-226). */
const sources = { topic: 1, staticBroker: 4, default: 5 } as const

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
  return brokerConfigDefinitions.map((definition) => described(definition, brokerSynonyms(definition.name, definition, broker), true))
}

function brokerSynonyms(name: string, definition: ConfigDefinition, broker: BrokerConfig): DescribedConfig['synonyms'] {
  const set = broker.overrides[name]
  const fallback = { name, value: definition.default, source: sources.default }
  return set === undefined ? [fallback] : [{ name, value: set, source: sources.staticBroker }, fallback]
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
