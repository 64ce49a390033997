import { expect, it } from 'vitest'
import { encodeBatch, errorCodes, fetch, listOffsets, offsetForLeaderEpoch, patchBatch } from '../kafka-wire/index.ts'
import { type Batch, connectKafka, type TopicReader } from './index.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

function records(baseOffset: bigint, count: number): Uint8Array {
  const bytes = encodeBatch({
    records: Array.from({ length: count }, () => ({ key: null, value: Buffer.from('v'), timestampMs: 1 })),
    compression: 'none',
  })
  patchBatch(bytes, 0, { baseOffset, partitionLeaderEpoch: 0 })
  return bytes
}

type Verdict = { errorCode?: number; records?: Uint8Array }

/** A topic of partitions whose fetches are answered by `answer`, and whose leader is of epoch `epoch`. */
async function scripted(
  partitions: number,
  answer: (partition: number, offset: bigint) => Verdict,
  epoch: () => number = () => 0,
  epochEnd = 0n,
) {
  return startScriptedBroker((port) => [
    onMetadata(port, { t: partitions }, epoch),
    on(listOffsets, ({ topics }) => ({
      topics: topics.map(({ name, partitions: asked }) => ({
        name,
        partitions: asked.map(({ partitionIndex, timestamp }) => ({ partitionIndex, errorCode: 0, offset: timestamp === -2n ? 0n : 10n })),
      })),
    })),
    on(offsetForLeaderEpoch, ({ topics }) => ({
      topics: topics.map(({ topic, partitions: asked }) => ({
        topic,
        partitions: asked.map(({ partition, leaderEpoch }) => ({ partition, errorCode: 0, leaderEpoch, endOffset: epochEnd })),
      })),
    })),
    on(fetch, ({ topics }) => ({
      responses: topics.map(({ topic, partitions: asked }) => ({
        topic,
        partitions: asked.map(({ partition, fetchOffset }) => {
          const said = answer(partition, fetchOffset)
          const { errorCode = errorCodes.NONE } = said
          return { partitionIndex: partition, errorCode, highWatermark: 10n, abortedTransactions: null, records: said.records ?? null }
        }),
      })),
    })),
  ])
}

async function pollUntilRejected(reader: TopicReader): Promise<{ batches: Batch[]; error: unknown }> {
  const batches: Batch[] = []
  for (;;) {
    try {
      batches.push(...(await reader.poll()))
    } catch (error) {
      return { batches, error }
    }
  }
}

it('a log that was cut when its leader changed is noticed, not read on (KIP-320)', async () => {
  let epoch = 0
  const answer = (_: number, offset: bigint): Verdict => {
    if (offset === 0n) return { records: records(0n, 5) }
    epoch = 1
    return { errorCode: errorCodes.FENCED_LEADER_EPOCH }
  }
  await using broker = await scripted(1, answer, () => epoch, 3n)
  await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
  const { batches, error } = await pollUntilRejected(kafka.reader({ topic: 't', from: 'earliest' }))
  expect(batches.map(({ count }) => count)).toEqual([5])
  expect(error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', details: { topic: 't', partition: 0, offset: '5', logStartOffset: '0' } })
})

it('a log that is whole when its leader changed is read on', async () => {
  let epoch = 0
  const answer = (_: number, offset: bigint): Verdict => {
    if (offset === 0n) return { records: records(0n, 5) }
    if (epoch === 1) return { records: records(5n, 5) }
    epoch = 1
    return { errorCode: errorCodes.FENCED_LEADER_EPOCH }
  }
  await using broker = await scripted(1, answer, () => epoch, 5n)
  await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
  const reader = kafka.reader({ topic: 't', from: 'earliest' })
  let count = 0
  do for (const batch of await reader.poll()) count += batch.count
  while (!reader.atEnd())
  expect(count).toBe(10)
})

it('records that are broken stop their partition loudly and lose nothing of the others', async () => {
  const broken = Buffer.from(records(0n, 5))
  broken[broken.byteLength - 3] = (broken[broken.byteLength - 3] ?? 0) ^ 1
  const answer = (partition: number, offset: bigint): Verdict => (offset > 0n ? {} : { records: partition === 0 ? broken : records(0n, 5) })
  await using broker = await scripted(2, answer)
  await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
  const { batches, error } = await pollUntilRejected(kafka.reader({ topic: 't', from: 'earliest' }))
  expect(batches.map(({ partition, count }) => [partition, count])).toEqual([[1, 5]])
  expect(error).toMatchObject({ code: 'KAFKA', details: { topic: 't', partition: 0, offset: '0', errorName: 'CORRUPT_MESSAGE' } })
})

it('a leader that moved is found again', async () => {
  let refusals = 2
  const answer = (): Verdict => (refusals-- > 0 ? { errorCode: errorCodes.NOT_LEADER_OR_FOLLOWER } : { records: records(0n, 10) })
  await using broker = await scripted(1, answer)
  await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
  const reader = kafka.reader({ topic: 't', from: 'earliest' })
  let count = 0
  do for (const batch of await reader.poll()) count += batch.count
  while (!reader.atEnd())
  expect(count).toBe(10)
})
