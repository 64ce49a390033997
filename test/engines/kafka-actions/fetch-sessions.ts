import { fetch, listOffsets, metadata, produce, deleteTopics, type FetchResponse } from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { batch, create, noId, TIMEOUT_MS, type KafkaAction } from './requests.ts'

const strangeId = '11111111-1111-1111-1111-111111111111'

interface Asked {
  partitions?: number[]
  forgotten?: number[]
  offset?: bigint
  topicId?: string
}

async function idOf(kafka: RawKafka, name: string): Promise<string> {
  const { topics } = await kafka.ask(metadata, 12, { topics: [{ name, topicId: noId }], allowAutoTopicCreation: false })
  return topics[0]?.topicId ?? noId
}

function ask(kafka: RawKafka, version: number, sessionId: number, sessionEpoch: number, asked: Asked = {}): Promise<FetchResponse> {
  const named = version < 13 ? { topic: 'sessions' } : { topicId: asked.topicId ?? noId }
  return kafka.ask(fetch, version, {
    maxWaitMs: 50,
    minBytes: 0,
    isolationLevel: 0,
    sessionId,
    sessionEpoch,
    topics:
      (asked.partitions ?? []).length === 0
        ? []
        : [
            {
              ...named,
              partitions: (asked.partitions ?? []).map((partition) => ({
                partition,
                fetchOffset: asked.offset ?? 0n,
                partitionMaxBytes: 100_000,
              })),
            },
          ],
    forgottenTopicsData: asked.forgotten ? [{ ...named, partitions: asked.forgotten }] : [],
  })
}

const send = (kafka: RawKafka, partition: number): Promise<unknown> =>
  kafka.ask(produce, 12, {
    acks: -1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: 'sessions', partitionData: [{ index: partition, records: batch(['v']) }] }],
  })

async function session(kafka: RawKafka): Promise<unknown> {
  const full = await ask(kafka, 12, 0, 0, { partitions: [0, 1, 2] })
  const { sessionId } = full
  const out: Record<string, unknown> = { full, nothing: await ask(kafka, 12, sessionId, 1) }
  await send(kafka, 1)
  out['records'] = await ask(kafka, 12, sessionId, 2)
  out['further'] = await ask(kafka, 12, sessionId, 3, { partitions: [1], offset: 1n })
  await send(kafka, 0)
  out['forgotten'] = await ask(kafka, 12, sessionId, 4, { forgotten: [0] })
  out['added'] = await ask(kafka, 12, sessionId, 5, { partitions: [0] })
  out['unknownPartition'] = await ask(kafka, 12, sessionId, 6, { partitions: [9], forgotten: [0] })
  out['stillUnknown'] = await ask(kafka, 12, sessionId, 7)
  out['wrongEpoch'] = await ask(kafka, 12, sessionId, 9)
  out['wrongId'] = await ask(kafka, 12, sessionId + 1, 1)
  out['afterErrors'] = await ask(kafka, 12, sessionId, 8, { forgotten: [9] })
  out['ended'] = await ask(kafka, 12, sessionId, -1, { partitions: [2] })
  out['gone'] = await ask(kafka, 12, sessionId, 9)
  const emptied = (await ask(kafka, 12, 0, 0, { partitions: [2] })).sessionId
  out['emptied'] = await ask(kafka, 12, emptied, 1, { forgotten: [2] })
  out['emptiedGone'] = await ask(kafka, 12, emptied, 2)
  return out
}

async function sessionById(kafka: RawKafka): Promise<unknown> {
  const topicId = await idOf(kafka, 'sessions')
  const full = await ask(kafka, 17, 0, 0, { partitions: [0], topicId })
  return {
    full,
    nothing: await ask(kafka, 17, full.sessionId, 1, { partitions: [0], topicId, offset: 1n }),
    byName: await ask(kafka, 12, full.sessionId, 2),
    strange: await ask(kafka, 17, full.sessionId, 2, { partitions: [0], topicId: strangeId }),
    ended: await ask(kafka, 17, full.sessionId, -1, { partitions: [], topicId }),
    newest: await ask(kafka, 18, 0, -1, { partitions: [0], topicId }),
    unknownPartition: await ask(kafka, 17, 0, -1, { partitions: [9], topicId }),
  }
}

/** A topic deleted and made again: its old id is nobody's. */
async function oldId(kafka: RawKafka): Promise<unknown> {
  const topicData = (topicId: string) => [{ topicId, partitionData: [{ index: 0, records: batch(['v']) }] }]
  await create({ name: 'phoenix' })(kafka)
  const old = await idOf(kafka, 'phoenix')
  const before = await kafka.ask(produce, 13, { acks: -1, timeoutMs: TIMEOUT_MS, topicData: topicData(old) })
  await kafka.ask(deleteTopics, 6, { topics: [{ name: 'phoenix', topicId: noId }], timeoutMs: TIMEOUT_MS })
  while ((await idOf(kafka, 'phoenix')) === old);
  await create({ name: 'phoenix' })(kafka)
  const id = await idOf(kafka, 'phoenix')
  return {
    before,
    another: id !== old,
    produced: await kafka.ask(produce, 13, { acks: -1, timeoutMs: TIMEOUT_MS, topicData: topicData(id) }),
    producedOld: await kafka.ask(produce, 13, { acks: -1, timeoutMs: TIMEOUT_MS, topicData: topicData(old) }),
    fetchedOld: await ask(kafka, 17, 0, -1, { partitions: [0], topicId: old }),
    metadataOld: await kafka.ask(metadata, 13, { topics: [{ name: null, topicId: old }], allowAutoTopicCreation: false }),
  }
}

/** Fetch sessions (KIP-227), and topics by their ids (KIP-516). */
export const fetchSessionActions: readonly KafkaAction[] = [
  { name: 'create a topic for sessions', run: create({ name: 'sessions', numPartitions: 3 }) },
  { name: 'a fetch session', run: session },
  { name: 'a fetch session by topic ids', run: sessionById },
  { name: 'a topic made again', on: 'Kafka 4', run: oldId },
  {
    name: 'the earliest offset to be tiered',
    on: 'Kafka 4',
    run: (kafka) =>
      kafka.ask(listOffsets, 11, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: 'sessions', partitions: [{ partitionIndex: 0, timestamp: -6n }] }],
      }),
  },
]
