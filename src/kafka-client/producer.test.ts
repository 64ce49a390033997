import { describe, expect, it } from 'vitest'
import { errorCodes, initProducerId, produce, type ProduceRequest, readBatchHeader } from '../kafka-wire/index.ts'
import { connectKafka, type KafkaClient } from './client.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

interface Sent {
  partition: number
  records: number
  producerId: bigint
  sequence: number
}

/** What each produced batch is answered with, in order; the rest succeed. */
async function scripted(verdicts: readonly (number | 'cut')[]): Promise<{ kafka: KafkaClient; sent: Sent[] } & AsyncDisposable> {
  const sent: Sent[] = []
  let producers = 0n
  let offset = 0n
  const left = [...verdicts]
  const broker = await startScriptedBroker((port) => [
    onMetadata(port, { t: 1, wide: 4 }),
    on(initProducerId, () => ({ errorCode: 0, producerId: ++producers, producerEpoch: 0 })),
    on(produce, (request, socket) => {
      const verdict = left.shift() ?? errorCodes.NONE
      const batches = batchesOf(request)
      sent.push(...batches)
      if (verdict === 'cut') return void socket.destroy()
      return {
        responses: request.topicData.map(({ name, partitionData }) => ({
          name,
          partitionResponses: partitionData.map(({ index }, i) => {
            const baseOffset = verdict === errorCodes.NONE ? offset : -1n
            if (verdict === errorCodes.NONE) offset += BigInt(batches[i]?.records ?? 0)
            return { index, errorCode: verdict, baseOffset }
          }),
        })),
      }
    }),
  ])
  const kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test', requestTimeoutMs: 3_000 })
  return {
    kafka,
    sent,
    [Symbol.asyncDispose]: async () => {
      await kafka.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}

function batchesOf(request: ProduceRequest): Sent[] {
  return request.topicData.flatMap(({ partitionData }) =>
    partitionData.map(({ index, records }) => {
      const header = records && readBatchHeader(records, 0)
      if (!header) throw new Error('no batch')
      return { partition: index, records: header.recordCount, producerId: header.producerId, sequence: header.baseSequence }
    }),
  )
}

const record = { topic: 't', key: null, value: 'value' }

describe('the producer', () => {
  it('acknowledges each record in the order given, with its partition and offset', async () => {
    await using world = await scripted([])
    const acknowledged = await world.kafka.producer().send([record, record, record])
    expect(acknowledged).toEqual([0n, 1n, 2n].map((offset) => ({ topic: 't', partition: 0, offset })))
    expect(world.sent).toEqual([{ partition: 0, records: 3, producerId: 1n, sequence: 0 }])
  })

  it('sends calls made together as one batch', async () => {
    await using world = await scripted([])
    const producer = world.kafka.producer()
    await Promise.all([producer.send([record]), producer.send([record]), producer.send([record])])
    expect(world.sent).toHaveLength(1)
  })

  it('retries what may come right, under the same sequence', async () => {
    await using world = await scripted([errorCodes.NOT_LEADER_OR_FOLLOWER, 'cut', errorCodes.NOT_ENOUGH_REPLICAS])
    await world.kafka.producer().send([record])
    expect(world.sent).toEqual(Array.from({ length: 4 }, () => ({ partition: 0, records: 1, producerId: 1n, sequence: 0 })))
  })

  it('rejects what the broker refuses for good, and goes on in sequence', async () => {
    await using world = await scripted([errorCodes.NONE, errorCodes.INVALID_RECORD])
    const producer = world.kafka.producer()
    await producer.send([record])
    await expect(producer.send([record])).rejects.toMatchObject({
      code: 'KAFKA',
      retriable: false,
      details: { errorCode: errorCodes.INVALID_RECORD, errorName: 'INVALID_RECORD', topic: 't', partition: 0 },
    })
    await producer.send([record])
    expect(world.sent.map(({ sequence }) => sequence)).toEqual([0, 1, 1])
  })

  it('splits a batch that the broker finds too large', async () => {
    await using world = await scripted([errorCodes.MESSAGE_TOO_LARGE])
    const acknowledged = await world.kafka.producer().send([record, record, record, record])
    expect(world.sent.map(({ records, sequence }) => [records, sequence])).toEqual([
      [4, 0],
      [2, 0],
      [2, 2],
    ])
    expect(acknowledged.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 3n])
  })

  it('rejects a single record that is too large', async () => {
    await using world = await scripted([errorCodes.MESSAGE_TOO_LARGE])
    await expect(world.kafka.producer().send([record])).rejects.toMatchObject({ details: { errorName: 'MESSAGE_TOO_LARGE' } })
  })

  it('takes a fresh producer id when the broker has lost its sequences', async () => {
    await using world = await scripted([errorCodes.NONE, errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER])
    const producer = world.kafka.producer()
    await producer.send([record])
    await producer.send([record])
    expect(world.sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [1n, 0],
      [1n, 1],
      [2n, 0],
    ])
  })

  it('takes a duplicate for written', async () => {
    await using world = await scripted([errorCodes.DUPLICATE_SEQUENCE_NUMBER])
    expect(await world.kafka.producer().send([record])).toEqual([{ topic: 't', partition: 0, offset: -1n }])
  })

  it('gives up after the delivery time-out', async () => {
    await using world = await scripted(Array.from({ length: 100 }, () => errorCodes.NOT_ENOUGH_REPLICAS))
    await expect(world.kafka.producer({ deliveryTimeoutMs: 200 }).send([record])).rejects.toMatchObject({
      code: 'TIMED_OUT',
      retriable: true,
    })
  })

  it('waits with a call larger than its buffer until there is room, and keeps the order', async () => {
    await using world = await scripted([])
    const producer = world.kafka.producer({ maxBufferedBytes: 500, batchBytes: 200 })
    const calls = [producer.send(Array.from({ length: 100 }, () => record)), producer.send([record])]
    const [large, small] = await Promise.all(calls)
    expect(large?.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, i) => BigInt(i)))
    expect(small?.[0]?.offset).toBe(100n)
    expect(Math.max(...world.sent.map(({ records }) => records))).toBeLessThan(10)
  })

  it('keeps a key on its partition and spreads records without one', async () => {
    await using world = await scripted([])
    const producer = world.kafka.producer({ batchBytes: 200 })
    const keyed = await producer.send(Array.from({ length: 50 }, () => ({ topic: 'wide', key: 'same', value: 'v' })))
    expect(new Set(keyed.map(({ partition }) => partition)).size).toBe(1)
    const loose = await producer.send(Array.from({ length: 100 }, () => ({ topic: 'wide', key: null, value: 'v' })))
    expect(new Set(loose.map(({ partition }) => partition)).size).toBeGreaterThan(1)
  })

  it('rejects a topic that does not exist without holding up the others', async () => {
    await using world = await scripted([])
    const producer = world.kafka.producer()
    const missing = expect(producer.send([{ ...record, topic: 'missing' }])).rejects.toMatchObject({
      code: 'KAFKA_RETRIABLE',
      details: { errorName: 'UNKNOWN_TOPIC_OR_PARTITION' },
    })
    expect(await producer.send([record])).toHaveLength(1)
    await missing
  })

  it('rejects a partition that does not exist', async () => {
    await using world = await scripted([])
    await expect(world.kafka.producer().send([{ ...record, partition: 7 }])).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('flushes when it is closed and refuses records afterwards', async () => {
    await using world = await scripted([])
    const producer = world.kafka.producer({ lingerMs: 10_000 })
    const sending = producer.send([record])
    await producer.close()
    expect(await sending).toHaveLength(1)
    await expect(producer.send([record])).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('closes in time when the broker is of no use, rejecting what is left', async () => {
    await using world = await scripted(Array.from({ length: 100 }, () => errorCodes.NOT_ENOUGH_REPLICAS))
    const producer = world.kafka.producer()
    const sending = expect(producer.send([record])).rejects.toMatchObject({ code: 'CLOSED' })
    await producer.close({ timeoutMs: 50 })
    await sending
  })
})
