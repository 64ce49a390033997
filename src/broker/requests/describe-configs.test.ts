import { expect, it } from 'vitest'
import { describeConfigs, errorCodes } from '../../kafka-wire/index.ts'
import { startBroker } from '../index.ts'
import { connectTo } from '../testing/ask.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'

it('loggers and metrics of clients have no settings; what has none at all is refused', async () => {
  const listeners = [{ host: '127.0.0.1', port: 0 }]
  await using broker = await startBroker({ dataDir: '/data', disk: new MemoryDisk(), clock: new ManualClock(), listeners })
  using client = await connectTo(broker.address)
  const describe = async (resourceType: number, resourceName: string): Promise<unknown> => {
    const { results } = await client.ask(describeConfigs, 4, { resources: [{ resourceType, resourceName, configurationKeys: null }] })
    return results.map(({ errorCode, configs }) => [errorCode, configs.length])
  }
  expect(await describe(8, '1')).toEqual([[errorCodes.NONE, 0]])
  expect(await describe(16, 'mine')).toEqual([[errorCodes.NONE, 0]])
  for (const [type, name] of [
    [8, ''],
    [8, '7'],
    [64, 'x'],
  ] as const)
    expect(await describe(type, name)).toEqual([[errorCodes.INVALID_REQUEST, 0]])
})
