import { expect, it } from 'vitest'
import { alterClientQuotas, describeClientQuotas, errorCodes } from '../../kafka-wire/index.ts'
import { startBroker } from '../index.ts'
import { connectTo, type Asking } from '../testing/ask.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'

const started = () =>
  startBroker({ dataDir: '/data', disk: new MemoryDisk(), clock: new ManualClock(), listeners: [{ host: '127.0.0.1', port: 0 }] })

const alter = async (client: Asking, entityType: string, op: { key: string; value: number; remove: boolean }): Promise<unknown> => {
  const entries = [{ entity: [{ entityType, entityName: 'ada' }], ops: [op] }]
  const { entries: answers } = await client.ask(alterClientQuotas, 1, { entries, validateOnly: false })
  return answers.map(({ errorCode, entity }) => [errorCode, entity[0]?.entityName])
}

it('no user, client or address has a quota, and a filter that makes no sense is refused', async () => {
  await using broker = await started()
  using client = await connectTo(broker.address)
  const describe = async (...components: { entityType: string; matchType: number; match: string | null }[]): Promise<unknown> => {
    const { errorCode, entries } = await client.ask(describeClientQuotas, 1, { components, strict: false })
    return [errorCode, entries]
  }
  const user = { entityType: 'user', matchType: 0, match: 'ada' }
  expect(await describe()).toEqual([errorCodes.NONE, []])
  expect(await describe(user, { entityType: 'client-id', matchType: 2, match: null })).toEqual([errorCodes.NONE, []])
  expect(await describe({ entityType: 'ip', matchType: 1, match: null })).toEqual([errorCodes.NONE, []])
  expect(await describe(user, user)).toEqual([errorCodes.INVALID_REQUEST, null])
  expect(await describe(user, { entityType: 'ip', matchType: 1, match: null })).toEqual([errorCodes.INVALID_REQUEST, null])
  expect(await describe({ ...user, match: null })).toEqual([errorCodes.INVALID_REQUEST, null])
  expect(await describe({ ...user, matchType: 1 })).toEqual([errorCodes.INVALID_REQUEST, null])
  expect(await describe({ ...user, matchType: 3 })).toEqual([errorCodes.INVALID_REQUEST, null])
  expect(await describe({ ...user, entityType: 'planet' })).toEqual([errorCodes.UNSUPPORTED_VERSION, null])
})

it('a quota is refused, since nobody would be held back by it; removing one that is not there is fine', async () => {
  await using broker = await started()
  using client = await connectTo(broker.address)
  const rate = { key: 'producer_byte_rate', value: 1024, remove: false }
  expect(await alter(client, 'user', rate)).toEqual([[errorCodes.POLICY_VIOLATION, 'ada']])
  expect(await alter(client, 'user', { ...rate, remove: true })).toEqual([[errorCodes.NONE, 'ada']])
  expect(await alter(client, 'user', { ...rate, key: 'no.such' })).toEqual([[errorCodes.INVALID_REQUEST, 'ada']])
  expect(await alter(client, 'user', { ...rate, key: 'no.such', remove: true })).toEqual([[errorCodes.NONE, 'ada']])
  expect(await alter(client, 'user', { ...rate, value: 0.5 })).toEqual([[errorCodes.INVALID_REQUEST, 'ada']])
  expect(await alter(client, 'user', { ...rate, value: 0 })).toEqual([[errorCodes.INVALID_REQUEST, 'ada']])
  expect(await alter(client, 'ip', rate)).toEqual([[errorCodes.INVALID_REQUEST, 'ada']])
  expect(await alter(client, 'planet', rate)).toEqual([[errorCodes.INVALID_REQUEST, 'ada']])
})
