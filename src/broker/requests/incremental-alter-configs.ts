import { errorCodes, incrementalAlterConfigs, type IncrementalAlterConfigsRequest } from '../../kafka-wire/index.ts'
import { listItems, type ConfigDefinition } from '../topics/config-definition.ts'
import { applyConfigs, type Change } from './configured-resource.ts'
import { handler } from './handler.ts'

type Resource = IncrementalAlterConfigsRequest['resources'][number]

/** Kafka's AlterConfigOp types (KIP-339). */
const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

/** Changes single settings of topics, of the broker and of groups (KIP-339). */
export const incrementalAlterConfigsHandler = handler(incrementalAlterConfigs, [0, 1], (request, context) => ({
  throttleTimeMs: 0,
  responses: request.resources.map((resource) => ({
    resourceType: resource.resourceType,
    resourceName: resource.resourceName,
    ...applyConfigs(resource, request.validateOnly, context, (found) => changed(found, resource)),
  })),
}))

interface Present {
  readonly definitions: readonly ConfigDefinition[]
  readonly current: Readonly<Record<string, string>>
  readonly effective: (name: string, configs: Readonly<Record<string, string>>) => string
}

function changed({ definitions, current, effective }: Present, { configs }: Resource): Change {
  const next: Record<string, string> = { ...current }
  const empty = configs.find(({ value, configOperation }) => value === null && configOperation !== operations.delete)
  if (empty) return { is: 'wrong', errorCode: errorCodes.INVALID_REQUEST, message: `${empty.name} has no value` }
  for (const config of configs) {
    const isList = definitions.some(({ name, type }) => name === config.name && type === 'list')
    const wrong = change(next, config, isList, (name) => effective(name, next))
    if (wrong) return { is: 'wrong', errorCode: errorCodes.INVALID_CONFIG, message: wrong }
  }
  return { is: 'next', configs: next }
}

/** Applies one operation to `next`; the text says what is wrong. */
function change(
  next: Record<string, string>,
  { name, configOperation, value }: Resource['configs'][number],
  isList: boolean,
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
  if (!isList || (configOperation !== operations.append && configOperation !== operations.subtract))
    return `${name} is not a list, or ${configOperation} is no operation`
  const items = listItems(current(name))
  const changed = listItems(value)
  next[name] = (
    configOperation === operations.append ? [...new Set([...items, ...changed])] : items.filter((item) => !changed.includes(item))
  ).join(',')
  return null
}
