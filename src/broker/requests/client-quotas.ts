import {
  alterClientQuotas,
  describeClientQuotas,
  errorCodes,
  type AlterClientQuotasRequest,
  type DescribeClientQuotasRequest,
} from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

const entityTypes: ReadonlySet<string> = new Set(['user', 'client-id', 'ip'])
type Quota = 'whole' | 'fraction'
const ofClients: ReadonlyMap<string, Quota> = new Map([
  ['producer_byte_rate', 'whole'],
  ['consumer_byte_rate', 'whole'],
  ['request_percentage', 'fraction'],
  ['controller_mutation_rate', 'fraction'],
])
const ofAddresses: ReadonlyMap<string, Quota> = new Map([['connection_creation_rate', 'whole']])

interface Refusal {
  readonly errorCode: number
  readonly errorMessage: string
}

const invalid = (errorMessage: string): Refusal => ({ errorCode: errorCodes.INVALID_REQUEST, errorMessage })

/** Nobody is throttled, so that no quota is ever found (KIP-546); a filter that Kafka refuses is refused. */
export const describeClientQuotasHandler = handler(describeClientQuotas, [0, 1], ({ components }) => {
  const refusal = wrongFilter(components)
  if (refusal) return { throttleTimeMs: 0, ...refusal, entries: null }
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: null, entries: [] }
})

/** Setting a quota is refused, since it would hold nobody back; removing one that is not there changes nothing. */
export const alterClientQuotasHandler = handler(alterClientQuotas, [0, 1], ({ entries }) => ({
  throttleTimeMs: 0,
  entries: entries.map((entry) => ({ ...(refusalOf(entry) ?? { errorCode: errorCodes.NONE, errorMessage: null }), entity: entry.entity })),
}))

function wrongFilter(components: DescribeClientQuotasRequest['components']): Refusal | null {
  const types = components.map(({ entityType }) => entityType)
  if (types.includes('')) return invalid('The type of an entity is empty.')
  if (new Set(types).size < types.length) return invalid('A type of entities may stand in a filter once.')
  const unknown = types.find((type) => !entityTypes.has(type))
  if (unknown !== undefined) return { errorCode: errorCodes.UNSUPPORTED_VERSION, errorMessage: `There are no quotas of "${unknown}".` }
  for (const { matchType, match } of components) {
    if (matchType < 0 || matchType > 2) return invalid(`There is no match of type ${matchType}.`)
    if ((matchType === 0) === (match === null)) return invalid('A name is to be matched with the name, and nothing else with one.')
  }
  return types.includes('ip') && types.length > 1 ? invalid('Addresses go with neither users nor clients.') : null
}

function refusalOf({ entity, ops }: AlterClientQuotasRequest['entries'][number]): Refusal | null {
  const types = entity.map(({ entityType }) => entityType)
  if (types.length === 0 || new Set(types).size < types.length) return invalid('An entity has at least one type, and each once.')
  const unknown = types.find((type) => !entityTypes.has(type))
  if (unknown !== undefined) return invalid(`There are no quotas of "${unknown}".`)
  if (entity.some(({ entityName }) => entityName === '')) return invalid('A name is empty; null is the default.')
  if (types.includes('ip') && types.length > 1) return invalid('Addresses go with neither users nor clients.')
  const known = types.includes('ip') ? ofAddresses : ofClients
  // Only what is set is looked at.
  const set = ops.filter(({ remove }) => !remove)
  for (const { key, value } of set) {
    const quota = known.get(key)
    if (!quota) return invalid(`There is no quota "${key}" of ${types.join(' and ')}.`)
    if (value <= 0) return invalid(`${key} must be greater than 0.`)
    if (quota === 'whole' && !Number.isInteger(value)) return invalid(`${key} must be a whole number.`)
  }
  if (set.length === 0) return null
  return {
    errorCode: errorCodes.POLICY_VIOLATION,
    errorMessage: `${set.map(({ key }) => key).join(', ')} cannot be set: this broker throttles nobody, so that a quota would hold nobody back.`,
  }
}
