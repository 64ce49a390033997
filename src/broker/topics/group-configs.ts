import type { BrokerConfig } from './broker-configs.ts'
import { invalidConfigValue, type ConfigDefinition } from './config-definition.ts'

/** Settings of groups whose assignments the broker makes (KIP-848); what is not set is the broker's. A table of data. */
export const groupConfigDefinitions: readonly ConfigDefinition[] = [
  {
    name: 'consumer.heartbeat.interval.ms',
    type: 'int',
    default: '5000',
    min: 1,
    broker: 'group.consumer.heartbeat.interval.ms',
    doc: 'How often members of the group are told to show themselves.',
  },
  {
    name: 'consumer.session.timeout.ms',
    type: 'int',
    default: '45000',
    min: 1,
    broker: 'group.consumer.session.timeout.ms',
    doc: 'How long a member of the group may be silent before it is put out.',
  },
]

const byName = new Map(groupConfigDefinitions.map((definition) => [definition.name, definition]))

/** What is wrong with the settings of a group; null when all is well. */
export function invalidGroupConfigs(settings: Readonly<Record<string, string>>): string | null {
  for (const [name, value] of Object.entries(settings)) {
    const definition = byName.get(name)
    const wrong = definition ? invalidConfigValue(definition, value) : `Unknown group config name: ${name}`
    if (wrong) return wrong
  }
  return null
}

/** A setting of a group as a number: its own, or the broker's. */
export function groupNumber(config: BrokerConfig, groupId: string, name: string): number {
  return Number(config.dynamic.groups[groupId]?.[name] ?? config.text(byName.get(name)?.broker ?? '') ?? byName.get(name)?.default)
}
