import { expect, it } from 'vitest'
import { encodeBatch, errorCodes, fetch, listOffsets, metadata, patchBatch } from '../kafka-wire/index.ts'
import { connectKafka } from './index.ts'
import { on, startScriptedBroker } from './scripted-broker.ts'

/** A broker that knows who leads `t-0`, and one that does once the other has refused. */
async function twoBrokers() {
  const ports = [0, 0]
  let leader = 1
  const records = encodeBatch({
    records: ['a', 'b'].map((value) => ({ key: null, value: Buffer.from(value), timestampMs: 1 })),
    compression: 'none',
  })
  patchBatch(records, 0, { baseOffset: 0n, partitionLeaderEpoch: 0 })
  const start = (nodeId: number) =>
    startScriptedBroker(() => [
      on(metadata, ({ topics }) => ({
        brokers: ports.map((port, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
        controllerId: 1,
        topics: (topics ?? []).map(({ name }) => ({
          errorCode: 0,
          name,
          partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: leader, leaderEpoch: leader, replicaNodes: [1, 2], isrNodes: [1, 2] }],
        })),
      })),
      on(listOffsets, ({ topics }) => ({
        topics: topics.map(({ name, partitions: [asked] }) => ({
          name,
          partitions: [{ partitionIndex: 0, errorCode: 0, offset: asked?.timestamp === -2n ? 0n : 2n }],
        })),
      })),
      on(fetch, ({ topics }) => {
        if (nodeId === 1) leader = 2
        const said = nodeId === 1 ? { errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER } : { errorCode: 0, records }
        return {
          responses: topics.map(({ topic }) => ({
            topic,
            partitions: [{ partitionIndex: 0, highWatermark: 2n, abortedTransactions: null, records: null, ...said }],
          })),
        }
      }),
    ])
  const brokers = [await start(1), await start(2)] as const
  ports[0] = brokers[0].port
  ports[1] = brokers[1].port
  return {
    address: brokers[0].address,
    [Symbol.asyncDispose]: async () => {
      for (const broker of brokers) await broker[Symbol.asyncDispose]()
    },
  }
}

it('counting a topic goes on at the leader that its partition has now', async () => {
  await using brokers = await twoBrokers()
  await using kafka = await connectKafka({ bootstrapServers: [brokers.address], clientId: 'test', requestTimeoutMs: 5_000 })
  await using counter = kafka.recordCounter('t')
  expect(await counter.count({ withinMs: 60_000 })).toEqual({ records: 2, isExact: true })
})
