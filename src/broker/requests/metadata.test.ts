import { expect, it } from 'vitest'
import { errorCodes, metadata } from '../../kafka-wire/index.ts'
import { startBroker } from '../index.ts'
import { connectTo } from '../testing/ask.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'

it('a name that no topic can have is said to be wrong, not missing, whether topics may be made or not', async () => {
  const listeners = [{ host: '127.0.0.1', port: 0 }]
  await using broker = await startBroker({ dataDir: '/data', disk: new MemoryDisk(), clock: new ManualClock(), listeners })
  using client = await connectTo(broker.address)
  for (const allowAutoTopicCreation of [true, false]) {
    const { topics } = await client.ask(metadata, 12, { topics: [{ name: 'no/slashes' }], allowAutoTopicCreation })
    expect(topics.map(({ errorCode }) => errorCode)).toEqual([errorCodes.INVALID_TOPIC_EXCEPTION])
  }
  const { topics } = await client.ask(metadata, 12, { topics: [{ name: 'missing' }], allowAutoTopicCreation: false })
  expect(topics.map(({ errorCode }) => errorCode)).toEqual([errorCodes.UNKNOWN_TOPIC_OR_PARTITION])
})
