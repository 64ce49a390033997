import { setTimeout } from 'node:timers/promises'
import {
  alterConfigs,
  createTopics,
  deleteRecords,
  describeConfigs,
  encodeBatch,
  fetch,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listOffsets,
  metadata,
  offsetCommit,
  offsetDelete,
  produce,
  syncGroup,
  type Compression,
  type CreateTopicsRequest,
  type InitProducerIdResponse,
  type JoinGroupResponse,
  type MetadataResponse,
  type ProduceResponse,
} from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'

/** Requests by name, made in this order on both brokers; what they resolve to is compared. */
export interface KafkaAction {
  readonly name: string
  /** The only system that knows these requests; all of them where nothing is said. */
  readonly on?: 'Kafka 4'
  /** `other` is a second connection. */
  run(kafka: RawKafka, other: RawKafka): Promise<unknown>
}

type Run = (kafka: RawKafka) => Promise<unknown>

export const T = 'diff'
/** Record times: recent, so that no segment is too old, and the same on both. */
export const AT_MS = Date.now() - 60_000
export const OLD_MS = 1_700_000_000_000
export const HOUR_MS = 3_600_000
export const TIMEOUT_MS = 10_000
export const TOPIC = 2
export const noId = '00000000-0000-0000-0000-000000000000'

type NewTopic = Partial<CreateTopicsRequest['topics'][number]> & { name: string }

export const create =
  (topic: NewTopic, validateOnly = false): Run =>
  async (kafka) => {
    const answer = await kafka.ask(createTopics, 7, {
      topics: [{ numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...topic }],
      timeoutMs: TIMEOUT_MS,
      validateOnly,
    })
    // With KRaft a topic is made first and known to the broker a little later.
    if (answer.topics[0]?.errorCode === 0 && !validateOnly) await untilKnown(kafka, topic.name)
    return answer
  }

async function untilKnown(kafka: RawKafka, name: string): Promise<void> {
  const ask = (): Promise<MetadataResponse> => kafka.ask(metadata, 9, { topics: [{ name, topicId: noId }], allowAutoTopicCreation: false })
  while ((await ask()).topics.some(({ errorCode, partitions }) => errorCode !== 0 || partitions.some((one) => one.errorCode !== 0)))
    await pause()
  // It may be known a little before its partitions are led.
  const partitions = ((await ask()).topics[0]?.partitions ?? []).map(({ partitionIndex }) => ({ partitionIndex, timestamp: -1n }))
  const led = async (): Promise<boolean> => {
    const { topics } = await kafka.ask(listOffsets, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] })
    return topics.every((topic) => topic.partitions.every(({ errorCode }) => errorCode === 0))
  }
  while (!(await led())) await pause()
}

const pause = (): Promise<void> => setTimeout(20)

/** Makes a change of settings and waits until it shows, which with KRaft is a little later. */
async function untilChanged<Answer>(
  kafka: RawKafka,
  name: string,
  change: () => Promise<Answer & { responses: { errorCode: number }[] }>,
): Promise<Answer> {
  const settings = async (): Promise<string> =>
    JSON.stringify(await describe(name)(kafka), (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  const before = await settings()
  const answer = await change()
  if (answer.responses.some(({ errorCode }) => errorCode !== 0)) return answer
  // A change to what was set already never shows.
  for (let tries = 0; tries < 50 && (await settings()) === before; tries++) await pause()
  return answer
}

export const batch = (values: string[], compression: Compression = 'none', over: Partial<Parameters<typeof encodeBatch>[0]> = {}): Buffer =>
  encodeBatch({
    records: values.map((value, i) => ({
      key: Buffer.from(`k${i}`),
      value: Buffer.from(value),
      timestampMs: AT_MS + i,
      headers: [{ key: 'h', value: Buffer.from('1') }],
    })),
    compression,
    ...over,
  })

export const send =
  (records: Uint8Array | null, { topic = T, partition = 0, acks = -1 } = {}) =>
  (kafka: RawKafka): Promise<ProduceResponse> =>
    kafka.ask(produce, 12, {
      acks,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    })

export const read =
  (
    fetchOffset: bigint,
    {
      topic = T,
      partition = 0,
      currentLeaderEpoch = -1,
      maxBytes = 1_048_576,
      isolationLevel = 0,
      minBytes = 0,
      allBytes = 0x7fffffff,
    } = {},
  ): Run =>
  (kafka) =>
    kafka.ask(fetch, 12, {
      maxWaitMs: 100,
      minBytes,
      maxBytes: allBytes,
      isolationLevel,
      topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, fetchOffset, partitionMaxBytes: maxBytes }] }],
    })

export const offsets =
  (timestamp: bigint, { topic = T, partition = 0, isolationLevel = 0 } = {}): Run =>
  (kafka) =>
    kafka.ask(listOffsets, 7, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
    })

export const commit =
  (over: { groupId?: string; generation?: number; memberId?: string; topic?: string; partition?: number; text?: string }): Run =>
  (kafka) =>
    kafka.ask(offsetCommit, 8, {
      groupId: over.groupId ?? 'g',
      generationIdOrMemberEpoch: over.generation ?? -1,
      memberId: over.memberId ?? '',
      topics: [
        {
          name: over.topic ?? T,
          partitions: [
            { partitionIndex: over.partition ?? 0, committedOffset: 2n, committedLeaderEpoch: 0, committedMetadata: over.text ?? 'm' },
          ],
        },
      ],
    })

export const join =
  (over: {
    groupId?: string
    memberId?: string
    instanceId?: string
    sessionTimeoutMs?: number
    protocolType?: string
    protocols?: string[]
    metadata?: Uint8Array
  }) =>
  (kafka: RawKafka): Promise<JoinGroupResponse> =>
    kafka.ask(joinGroup, 9, {
      groupId: over.groupId ?? 'g2',
      sessionTimeoutMs: over.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: over.memberId ?? '',
      groupInstanceId: over.instanceId ?? null,
      protocolType: over.protocolType ?? 'consumer',
      protocols: (over.protocols ?? ['range']).map((name) => ({ name, metadata: over.metadata ?? Buffer.from([0, 0]) })),
    })

export const describe =
  (name: string): Run =>
  (kafka) =>
    kafka.ask(describeConfigs, 4, { resources: [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }] })

export const alter =
  (name: string, config: string, configOperation: number, value: string | null): Run =>
  (kafka) =>
    untilChanged(kafka, name, () =>
      kafka.ask(incrementalAlterConfigs, 1, {
        resources: [{ resourceType: TOPIC, resourceName: name, configs: [{ name: config, configOperation, value }] }],
        validateOnly: false,
      }),
    )

export const cut = (records: Buffer, change: (bytes: Buffer) => void): Buffer => {
  const copy = Buffer.from(records)
  change(copy)
  return copy
}

export const deleteBefore =
  (offset: bigint, { topic = T, partition = 0 } = {}): Run =>
  (kafka) =>
    kafka.ask(deleteRecords, 2, { topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }], timeoutMs: TIMEOUT_MS })

export const forget =
  (groupId: string, topic = T, partitionIndex = 0): Run =>
  (kafka) =>
    kafka.ask(offsetDelete, 0, { groupId, topics: [{ name: topic, partitions: [{ partitionIndex }] }] })

export const replaceConfigs =
  (name: string, configs: Record<string, string | null>): Run =>
  (kafka) =>
    untilChanged(kafka, name, () =>
      kafka.ask(alterConfigs, 2, {
        resources: [
          { resourceType: TOPIC, resourceName: name, configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })) },
        ],
        validateOnly: false,
      }),
    )

/** A consumer's subscription (ConsumerProtocolSubscription 0). */
export const subscription = (topics: string[]): Buffer => {
  const number = (value: number, bytes: number): Buffer => {
    const buffer = Buffer.alloc(bytes)
    buffer.writeIntBE(value, 0, bytes)
    return buffer
  }
  const names = topics.flatMap((topic) => [number(topic.length, 2), Buffer.from(topic)])
  return Buffer.concat([number(0, 2), number(topics.length, 4), ...names, number(-1, 4)])
}

/** A member that has joined and synced, alone in its group. */
export async function soleMember(
  kafka: RawKafka,
  over: Parameters<typeof join>[0] & { groupId: string },
): Promise<{ groupId: string; memberId: string; generationId: number; groupInstanceId: string | null }> {
  const first = await join(over)(kafka)
  const { memberId, generationId } = first.generationId > 0 ? first : await join({ ...over, memberId: first.memberId })(kafka)
  const member = { groupId: over.groupId, memberId, generationId, groupInstanceId: over.instanceId ?? null }
  await kafka.ask(syncGroup, 5, {
    ...member,
    protocolType: over.protocolType ?? 'consumer',
    protocolName: over.protocols?.[0] ?? 'range',
    assignments: [{ memberId, assignment: Buffer.from('all') }],
  })
  return member
}

export const leave = (kafka: RawKafka, member: { groupId: string; memberId: string; groupInstanceId: string | null }): Promise<unknown> =>
  kafka.ask(leaveGroup, 5, { groupId: member.groupId, members: [member] })

export const idempotentIds = (kafka: RawKafka, transactionalId: string | null = null): Promise<InitProducerIdResponse> =>
  kafka.ask(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
