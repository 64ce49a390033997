import { afterEach, expect, it } from 'vitest'
import { errorCodes, fetch, listOffsets, produce } from '../kafka-wire/index.ts'
import { createLogger } from '../platform/index.ts'
import { startBroker, type BrokerHandle } from './index.ts'
import { connectTo, type Asking } from './testing/ask.ts'
import { FailingDisk } from './testing/failing-disk.ts'
import { MemoryDisk } from './testing/memory-disk.ts'
import { testBatch } from './testing/open-test-log.ts'
import { openBroker } from './testing/open-broker.ts'
import { ManualClock } from './testing/manual-clock.ts'

let broker: BrokerHandle
let client: Asking

afterEach(async () => {
  client[Symbol.dispose]()
  await broker.close()
})

/** A broker with records in `t-0` and `t-1`, and a disk that does not give back what lies in `t-0`; with what it logs. */
async function start(flush: 'sync' | 'os' = 'sync'): Promise<{ disk: FailingDisk; lines: string[] }> {
  const memory = new MemoryDisk()
  const before = await openBroker(memory, new ManualClock())
  await before.broker.topics.create('t', 2)
  for (const log of before.broker.topics.get('t')?.logs ?? []) log.append(testBatch(3))
  await before.releasers.close()
  const disk = new FailingDisk(memory, Infinity)
  const lines: string[] = []
  const log = createLogger((line) => lines.push(line))
  broker = await startBroker({ dataDir: '/data', disk, log, flush, listeners: [{ host: '127.0.0.1', port: 0 }] })
  client = await connectTo(broker.address)
  disk.isDeafTo = (path) => path.startsWith('/data/t-0/')
  return { disk, lines }
}

async function fetched(isolationLevel: number, fetchOffset = 1n) {
  const partitions = [0, 1].map((partition) => ({ partition, fetchOffset, partitionMaxBytes: 1 << 20 }))
  const asked = { maxWaitMs: 60_000, minBytes: 1, isolationLevel, topics: [{ topic: 't', partitions }], forgottenTopicsData: [] }
  const answer = await client.ask(fetch, 11, asked)
  return answer.responses.flatMap((topic) =>
    topic.partitions.map(({ errorCode, highWatermark, records }) => [errorCode, highWatermark, (records?.length ?? 0) > 0]),
  )
}

async function offsetsAt(timestamp: bigint) {
  const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp }))
  const answer = await client.ask(listOffsets, 7, { replicaId: -1, topics: [{ name: 't', partitions }] })
  return answer.topics[0]?.partitions.map(({ errorCode, offset }) => [errorCode, offset])
}

it.each([0, 1])(
  'a partition that the disk does not give back is KAFKA_STORAGE_ERROR in a Fetch, the others are answered (isolation %i)',
  async (level) => {
    const { disk, lines } = await start()
    expect(await fetched(level)).toEqual([
      [errorCodes.KAFKA_STORAGE_ERROR, -1n, false],
      [errorCodes.NONE, 3n, true],
    ])
    await fetched(level)
    expect(lines.filter((line) => line.includes('could not be read'))).toHaveLength(1)
    disk.isDeafTo = () => false
    expect(await fetched(level)).toEqual([
      [errorCodes.NONE, 3n, true],
      [errorCodes.NONE, 3n, true],
    ])
  },
)

it('… also when the client waits for what is written meanwhile, and the producer is answered as ever', async () => {
  await start('os')
  const waiting = fetched(0, 3n)
  using other = await connectTo(broker.address)
  const topicData = [{ name: 't', partitionData: [{ index: 0, records: testBatch(1) }] }]
  const written = await other.ask(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData })
  expect(written.responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: errorCodes.NONE, baseOffset: 3n })
  expect(await waiting).toEqual([
    [errorCodes.KAFKA_STORAGE_ERROR, -1n, false],
    [errorCodes.NONE, 3n, false],
  ])
})

it('… and in a ListOffsets that has to look into it', async () => {
  await start()
  const both = [
    [errorCodes.KAFKA_STORAGE_ERROR, -1n],
    [errorCodes.NONE, 0n],
  ]
  expect(await offsetsAt(1_600_000_000_000n)).toEqual(both)
  // Where it starts is known without a look.
  expect(await offsetsAt(-2n)).toEqual([
    [errorCodes.NONE, 0n],
    [errorCodes.NONE, 0n],
  ])
})
