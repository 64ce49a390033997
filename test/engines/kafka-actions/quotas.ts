import { alterClientQuotas, describeClientQuotas } from '../../../src/kafka-wire/index.ts'
import type { KafkaAction } from './requests.ts'

const on = 'Kafka 4'

const describe =
  (...components: (readonly [entityType: string, matchType: number, match: string | null])[]): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(describeClientQuotas, 1, {
      components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
      strict: false,
    })

type Entity = readonly (readonly [entityType: string, entityName: string | null])[]

const alter =
  (entity: Entity, key: string, value: number | null): KafkaAction['run'] =>
  (kafka) => {
    const named = entity.map(([entityType, entityName]) => ({ entityType, entityName }))
    const entries = [{ entity: named, ops: [{ key, value: value ?? 0, remove: value === null }] }]
    return kafka.ask(alterClientQuotas, 1, { entries, validateOnly: true })
  }

/** Quotas (KIP-546): nothing is changed by them, so that both stay without any. */
export const quotaActions: readonly KafkaAction[] = [
  { name: 'quotas of all', on, run: describe() },
  { name: 'quotas of a user', on, run: describe(['user', 0, 'ada']) },
  { name: 'quotas of the default client of any user', on, run: describe(['user', 2, null], ['client-id', 1, null]) },
  { name: 'quotas of addresses', on, run: describe(['ip', 2, null]) },
  { name: 'quotas of addresses of users', on, run: describe(['ip', 2, null], ['user', 2, null]) },
  { name: 'quotas of two users', on, run: describe(['user', 0, 'ada'], ['user', 0, 'bob']) },
  { name: 'quotas of what has none', on, run: describe(['planet', 0, 'mars']) },
  { name: 'quotas of nothing', on, run: describe(['', 0, 'ada']) },
  { name: 'quotas of a user without the name', on, run: describe(['user', 0, null]) },
  { name: 'quotas of the default user with a name', on, run: describe(['user', 1, 'ada']) },
  { name: 'quotas matched in no known way', on, run: describe(['user', 3, null]) },
  { name: 'set a quota', on, run: alter([['user', 'ada']], 'producer_byte_rate', 1024) },
  { name: 'remove a quota that is not there', on, run: alter([['client-id', null]], 'consumer_byte_rate', null) },
  { name: 'set an unknown quota', on, run: alter([['user', 'ada']], 'no.such', 1) },
  { name: 'remove an unknown quota', on, run: alter([['user', 'ada']], 'no.such', null) },
  { name: 'set a quota of zero', on, run: alter([['user', 'ada']], 'producer_byte_rate', 0) },
  { name: 'set a quota to half a byte', on, run: alter([['user', 'ada']], 'producer_byte_rate', 0.5) },
  { name: 'set a quota of clients for an address', on, run: alter([['ip', '127.0.0.1']], 'producer_byte_rate', 1024) },
  { name: 'set a quota of what has none', on, run: alter([['planet', 'mars']], 'producer_byte_rate', 1024) },
  { name: 'set a quota of a user without a name', on, run: alter([['user', '']], 'producer_byte_rate', 1024) },
  { name: 'set a quota of nothing', on, run: alter([], 'producer_byte_rate', 1024) },
  {
    name: 'remove a quota of a user from an address',
    on,
    run: alter(
      [
        ['user', 'ada'],
        ['ip', '127.0.0.1'],
      ],
      'producer_byte_rate',
      null,
    ),
  },
]
