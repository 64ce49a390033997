import { expect, it } from 'vitest'
import { describeGroups, errorCodes } from '../../kafka-wire/index.ts'
import { startBroker } from '../index.ts'
import { connectTo } from '../testing/ask.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'

it('a missing group is dead, and what may be done with it is told until version 6 makes it an error', async () => {
  const listeners = [{ host: '127.0.0.1', port: 0 }]
  await using broker = await startBroker({ dataDir: '/data', disk: new MemoryDisk(), clock: new ManualClock(), listeners })
  using client = await connectTo(broker.address)
  const describe = async (version: number, includeAuthorizedOperations: boolean): Promise<unknown> => {
    const { groups } = await client.ask(describeGroups, version, { groups: ['nobody'], includeAuthorizedOperations })
    return groups.map(({ errorCode, groupState, authorizedOperations }) => [errorCode, groupState, authorizedOperations > 0])
  }
  expect(await describe(5, true)).toEqual([[errorCodes.NONE, 'Dead', true]])
  expect(await describe(5, false)).toEqual([[errorCodes.NONE, 'Dead', false]])
  expect(await describe(6, true)).toEqual([[errorCodes.GROUP_ID_NOT_FOUND, 'Dead', false]])
})
