import {
  createPartitions,
  createTopics,
  deleteGroups,
  deleteTopics,
  describeConfigs,
  describeGroups,
  encodeBatch,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  syncGroup,
  type Compression,
  type CreateTopicsRequest,
  type JoinGroupResponse,
  type ProduceResponse,
} from '../../src/kafka-wire/index.ts'
import type { RawKafka } from './raw-kafka.ts'

/** Requests by name, made in this order on both brokers; what they resolve to is compared. */
export interface KafkaAction {
  readonly name: string
  run(kafka: RawKafka): Promise<unknown>
}

const T = 'diff'
/** Record times: recent, so that no segment is too old, and the same on both. */
const AT_MS = Date.now() - 60_000
const OLD_MS = 1_700_000_000_000
const HOUR_MS = 3_600_000
const TIMEOUT_MS = 10_000
const TOPIC = 2
const noId = '00000000-0000-0000-0000-000000000000'

type NewTopic = Partial<CreateTopicsRequest['topics'][number]> & { name: string }

const create =
  (topic: NewTopic, validateOnly = false): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(createTopics, 7, {
      topics: [{ numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...topic }],
      timeoutMs: TIMEOUT_MS,
      validateOnly,
    })

const batch = (values: string[], compression: Compression = 'none', over: Partial<Parameters<typeof encodeBatch>[0]> = {}): Buffer =>
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

const send =
  (records: Uint8Array | null, { topic = T, partition = 0, acks = -1 } = {}) =>
  (kafka: RawKafka): Promise<ProduceResponse> =>
    kafka.ask(produce, 12, {
      acks,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    })

const read =
  (fetchOffset: bigint, { topic = T, partition = 0, currentLeaderEpoch = -1, maxBytes = 1_048_576 } = {}): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(fetch, 12, {
      maxWaitMs: 100,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, fetchOffset, partitionMaxBytes: maxBytes }] }],
    })

const offsets =
  (timestamp: bigint, { topic = T, partition = 0 } = {}): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(listOffsets, 7, { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] })

const commit =
  (over: {
    groupId?: string
    generation?: number
    memberId?: string
    topic?: string
    partition?: number
    text?: string
  }): KafkaAction['run'] =>
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

const join =
  (over: { groupId?: string; memberId?: string; sessionTimeoutMs?: number; protocolType?: string; protocols?: string[] }) =>
  (kafka: RawKafka): Promise<JoinGroupResponse> =>
    kafka.ask(joinGroup, 9, {
      groupId: over.groupId ?? 'g2',
      sessionTimeoutMs: over.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: over.memberId ?? '',
      protocolType: over.protocolType ?? 'consumer',
      protocols: (over.protocols ?? ['range']).map((name) => ({ name, metadata: Buffer.from([0, 0]) })),
    })

/** One member from joining to leaving. */
async function lifeOfAMember(kafka: RawKafka): Promise<unknown> {
  const body = {
    groupId: 'life',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([0, 0]) }],
  }
  const first = await kafka.ask(joinGroup, 9, { ...body, memberId: '' })
  const { memberId } = first
  const joined = await kafka.ask(joinGroup, 9, { ...body, memberId })
  const { generationId } = joined
  const member = { groupId: 'life', generationId, memberId }
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  return {
    first,
    joined,
    beatBeforeSync: await kafka.ask(heartbeat, 4, member),
    synced: await kafka.ask(syncGroup, 5, { ...member, protocolType: 'consumer', protocolName: 'range', assignments }),
    otherProtocol: await kafka.ask(syncGroup, 5, { ...member, protocolType: 'consumer', protocolName: 'roundrobin', assignments }),
    beat: await kafka.ask(heartbeat, 4, member),
    oldGeneration: await kafka.ask(heartbeat, 4, { ...member, generationId: generationId - 1 }),
    otherMember: await kafka.ask(heartbeat, 4, { ...member, memberId: 'nobody' }),
    committed: await commit({ groupId: 'life', generation: generationId, memberId })(kafka),
    committedLate: await commit({ groupId: 'life', generation: generationId - 1, memberId })(kafka),
    committedByNobody: await commit({ groupId: 'life' })(kafka),
    wrongType: await kafka.ask(joinGroup, 9, { ...body, memberId: '', protocolType: 'connect' }),
    described: await kafka.ask(describeGroups, 5, { groups: ['life'] }),
    listed: (await kafka.ask(listGroups, 4, { statesFilter: [] })).groups.filter(({ groupId }) => groupId === 'life'),
    deletedWhileInUse: await kafka.ask(deleteGroups, 2, { groupsNames: ['life'] }),
    left: await kafka.ask(leaveGroup, 5, { groupId: 'life', members: [{ memberId }] }),
    leftTwice: await kafka.ask(leaveGroup, 5, { groupId: 'life', members: [{ memberId }] }),
    describedEmpty: await kafka.ask(describeGroups, 5, { groups: ['life'] }),
    deleted: await kafka.ask(deleteGroups, 2, { groupsNames: ['life'] }),
    deletedTwice: await kafka.ask(deleteGroups, 2, { groupsNames: ['life'] }),
  }
}

/** The only member of a group comes back with protocols of which the group knows none. */
async function otherProtocols(kafka: RawKafka): Promise<unknown> {
  const rejoin = (memberId: string, protocol: string): Promise<JoinGroupResponse> =>
    join({ groupId: 'others', memberId, protocols: [protocol] })(kafka)
  const { memberId } = await rejoin('', 'range')
  const { generationId } = await rejoin(memberId, 'range')
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  await kafka.ask(syncGroup, 5, { groupId: 'others', generationId, memberId, protocolType: 'consumer', protocolName: 'range', assignments })
  return rejoin(memberId, 'another')
}

/** The same batch twice, in full. */
async function doubled(kafka: RawKafka): Promise<unknown> {
  const { producerId, producerEpoch } = await kafka.ask(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
  const again = send(batch(['x'], 'none', { producerId, producerEpoch, baseSequence: 0 }), { partition: 1 })
  await again(kafka)
  return again(kafka)
}

/** An idempotent producer: what is new, doubled, out of order, of an old epoch; error codes and offsets. */
async function idempotence(kafka: RawKafka): Promise<unknown> {
  const { producerId, producerEpoch } = await kafka.ask(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
  const write = async (ids: { producerId: bigint; producerEpoch: number; baseSequence: number }): Promise<unknown> => {
    const { responses } = await send(batch(['x', 'y'], 'none', ids), { topic: 'idempotent' })(kafka)
    return responses.map(({ partitionResponses }) => partitionResponses.map(({ errorCode, baseOffset }) => ({ errorCode, baseOffset })))
  }
  const numbered = (baseSequence: number, epoch = producerEpoch): Promise<unknown> =>
    write({ producerId, producerEpoch: epoch, baseSequence })
  await create({ name: 'idempotent' })(kafka)
  return {
    first: await numbered(0),
    doubled: await numbered(0),
    next: await numbered(2),
    gap: await numbered(9),
    afterTheGap: await numbered(4),
    newEpoch: await numbered(0, producerEpoch + 1),
    oldEpoch: await numbered(6),
    notFromZero: await write({ producerId: producerId + 99_999n, producerEpoch: 0, baseSequence: 5 }),
    end: await offsets(-1n, { topic: 'idempotent' })(kafka),
  }
}

const describe =
  (name: string): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(describeConfigs, 4, { resources: [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }] })

const alter =
  (name: string, config: string, configOperation: number, value: string | null): KafkaAction['run'] =>
  (kafka) =>
    kafka.ask(incrementalAlterConfigs, 1, {
      resources: [{ resourceType: TOPIC, resourceName: name, configs: [{ name: config, configOperation, value }] }],
      validateOnly: false,
    })

const cut = (records: Buffer, change: (bytes: Buffer) => void): Buffer => {
  const copy = Buffer.from(records)
  change(copy)
  return copy
}

const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export const kafkaActions: readonly KafkaAction[] = [
  { name: 'create a topic', run: create({ name: T, numPartitions: 3 }) },
  { name: 'create it again', run: create({ name: T, numPartitions: 3 }) },
  { name: 'create with defaults', run: create({ name: 'defaults', numPartitions: -1, replicationFactor: -1 }) },
  { name: 'create only to validate', run: create({ name: 'validated' }, true) },
  { name: 'create with a bad name', run: create({ name: 'no spaces' }) },
  { name: 'create with an empty name', run: create({ name: '' }) },
  { name: 'create with a long name', run: create({ name: 'x'.repeat(250) }) },
  { name: 'create with a name like another', run: create({ name: 'a.b' }) },
  { name: 'create with a name that collides', run: create({ name: 'a_b' }) },
  { name: 'create with no partitions', run: create({ name: 'p0', numPartitions: 0 }) },
  { name: 'create with too many replicas', run: create({ name: 'r3', replicationFactor: 3 }) },
  { name: 'create with no replicas', run: create({ name: 'r0', replicationFactor: 0 }) },
  { name: 'create with a config', run: create({ name: 'compacted', configs: [{ name: 'cleanup.policy', value: 'compact' }] }) },
  { name: 'create with an unknown config', run: create({ name: 'c1', configs: [{ name: 'no.such', value: '1' }] }) },
  { name: 'create with a bad config', run: create({ name: 'c2', configs: [{ name: 'retention.ms', value: 'soon' }] }) },
  {
    name: 'create with an assignment',
    run: create({ name: 'assigned', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
  },
  {
    name: 'create with an assignment to nobody',
    run: create({ name: 'a9', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [9] }] }),
  },
  {
    name: 'metadata of a topic',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: T }], allowAutoTopicCreation: false }),
  },
  {
    name: 'metadata of a missing topic',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: 'missing' }], allowAutoTopicCreation: false }),
  },
  {
    name: 'metadata of a bad name',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: noId, name: 'no spaces' }], allowAutoTopicCreation: true }),
  },
  {
    name: 'metadata of an unknown id',
    run: (kafka) => kafka.ask(metadata, 12, { topics: [{ topicId: '00000000-0000-0000-0000-000000000009', name: null }] }),
  },
  { name: 'metadata of none', run: (kafka) => kafka.ask(metadata, 12, { topics: [] }) },
  ...codecs.map((codec): KafkaAction => ({ name: `produce ${codec}`, run: send(batch(['a', 'b', 'c'], codec)) })),
  { name: 'produce with acks 1', run: send(batch(['d']), { acks: 1 }) },
  { name: 'produce with bad acks', run: send(batch(['d']), { acks: 2 }) },
  { name: 'produce to a missing topic', run: send(batch(['d']), { topic: 'missing' }) },
  { name: 'produce to a missing partition', run: send(batch(['d']), { partition: 9 }) },
  { name: 'produce with a wrong CRC', run: send(cut(batch(['d']), (bytes) => bytes.writeUInt32BE(1, 17))) },
  { name: 'produce a cut batch', run: send(batch(['d']).subarray(0, 40)) },
  { name: 'produce old magic', run: send(cut(batch(['d']), (bytes) => bytes.writeInt8(1, 16))) },
  { name: 'produce two batches at once', run: send(Buffer.concat([batch(['d']), batch(['e'])])) },
  {
    name: 'produce a keyless record to a compacted topic',
    run: send(encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: AT_MS }], compression: 'none' }), {
      topic: 'compacted',
    }),
  },
  { name: 'produce too much', run: send(batch(['x'.repeat(1_100_000)])) },
  {
    name: 'produce control records',
    run: send(batch(['x'], 'none', { isControl: true, producerId: 5n, producerEpoch: 0, baseSequence: 0 })),
  },
  {
    name: 'produce within no transaction',
    run: send(batch(['x'], 'none', { isTransactional: true, producerId: 5n, producerEpoch: 0, baseSequence: 0 })),
  },
  { name: 'fetch from the start', run: read(0n) },
  { name: 'fetch from within a batch', run: read(4n) },
  { name: 'fetch little', run: read(0n, { maxBytes: 1 }) },
  { name: 'fetch at the end', run: read(16n) },
  { name: 'fetch beyond the end', run: read(99n) },
  { name: 'fetch before the start', run: read(-5n) },
  { name: 'fetch a missing topic', run: read(0n, { topic: 'missing' }) },
  { name: 'fetch a missing partition', run: read(0n, { partition: 9 }) },
  { name: 'fetch with a leader epoch to come', run: read(0n, { currentLeaderEpoch: 9 }) },
  { name: 'offsets: earliest', run: offsets(-2n) },
  { name: 'offsets: latest', run: offsets(-1n) },
  { name: 'offsets: largest timestamp', run: offsets(-3n) },
  { name: 'offsets: at a time', run: offsets(BigInt(AT_MS + 1)) },
  { name: 'offsets: after all', run: offsets(BigInt(AT_MS + 1_000_000)) },
  { name: 'offsets: of a missing topic', run: offsets(-1n, { topic: 'missing' }) },
  { name: 'offsets: of a missing partition', run: offsets(-1n, { partition: 9 }) },
  {
    name: 'end of a leader epoch',
    run: (kafka) =>
      kafka.ask(offsetForLeaderEpoch, 4, {
        replicaId: -1,
        topics: [{ topic: T, partitions: [0, 7].map((leaderEpoch) => ({ partition: 0, leaderEpoch })) }],
      }),
  },
  { name: 'idempotence', run: idempotence },
  { name: 'produce a batch twice', run: doubled },
  {
    name: 'fetch records with old times',
    run: async (kafka) => {
      const old = encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: OLD_MS }], compression: 'none' })
      for (const records of [old, old, old]) await send(records, { partition: 2 })(kafka)
      return read(0n, { partition: 2 })(kafka)
    },
  },
  {
    name: 'produce a record of the far future',
    run: send(
      encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: Date.now() + 48 * HOUR_MS }], compression: 'none' }),
    ),
  },
  { name: 'find a coordinator', run: (kafka) => kafka.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] }) },
  { name: 'find a coordinator of nothing', run: (kafka) => kafka.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: [''] }) },
  { name: 'find a coordinator of a strange kind', run: (kafka) => kafka.ask(findCoordinator, 4, { keyType: 9, coordinatorKeys: ['g'] }) },
  { name: 'commit without members', run: commit({}) },
  { name: 'commit for an unknown topic', run: commit({ topic: 'missing' }) },
  { name: 'commit for an unknown partition', run: commit({ partition: 9 }) },
  { name: 'commit long metadata', run: commit({ text: 'x'.repeat(5_000) }) },
  { name: 'commit as a member of no group', run: commit({ groupId: 'nobodys', generation: 3, memberId: 'm' }) },
  {
    name: 'committed offsets',
    run: (kafka) => kafka.ask(offsetFetch, 7, { groupId: 'g', topics: [{ name: T, partitionIndexes: [0, 1] }], requireStable: true }),
  },
  { name: 'all committed offsets', run: (kafka) => kafka.ask(offsetFetch, 7, { groupId: 'g', topics: null }) },
  { name: 'committed offsets of no group', run: (kafka) => kafka.ask(offsetFetch, 7, { groupId: 'none', topics: null }) },
  { name: 'join with a short session', run: join({ sessionTimeoutMs: 1 }) },
  { name: 'join with a long session', run: join({ sessionTimeoutMs: 100_000_000 }) },
  { name: 'join without a group', run: join({ groupId: '' }) },
  { name: 'join without protocols', run: join({ protocols: [] }) },
  { name: 'join as a stranger', run: join({ memberId: 'stranger' }) },
  { name: 'life of a member', run: lifeOfAMember },
  { name: 'join again with other protocols', run: otherProtocols },
  { name: 'describe a missing group', run: (kafka) => kafka.ask(describeGroups, 5, { groups: ['none'] }) },
  { name: 'delete a missing group', run: (kafka) => kafka.ask(deleteGroups, 2, { groupsNames: ['none'] }) },
  { name: 'leave a missing group', run: (kafka) => kafka.ask(leaveGroup, 5, { groupId: 'none', members: [{ memberId: 'm' }] }) },
  { name: 'beat in a missing group', run: (kafka) => kafka.ask(heartbeat, 4, { groupId: 'none', generationId: 1, memberId: 'm' }) },
  { name: 'configs of a topic', run: describe('defaults') },
  { name: 'configs of a compacted topic', run: describe('compacted') },
  { name: 'configs of a missing topic', run: describe('missing') },
  { name: 'set a config', run: alter(T, 'retention.ms', 0, '1000000') },
  { name: 'set a bad config', run: alter(T, 'retention.ms', 0, 'soon') },
  { name: 'set an unknown config', run: alter(T, 'no.such', 0, '1') },
  { name: 'append to a config', run: alter(T, 'cleanup.policy', 2, 'compact') },
  { name: 'append to a config that is no list', run: alter(T, 'retention.ms', 2, '5') },
  { name: 'configs after the change', run: describe(T) },
  { name: 'delete a config', run: alter(T, 'retention.ms', 1, null) },
  { name: 'set a config of a missing topic', run: alter('missing', 'retention.ms', 0, '1') },
  ...[5, 5, 2, 0].map((count, at): KafkaAction => ({
    name: `raise the partitions to ${count} (${at})`,
    run: (kafka) =>
      kafka.ask(createPartitions, 3, { topics: [{ name: T, count, assignments: null }], timeoutMs: TIMEOUT_MS, validateOnly: false }),
  })),
  {
    name: 'raise the partitions of a missing topic',
    run: (kafka) =>
      kafka.ask(createPartitions, 3, {
        topics: [{ name: 'missing', count: 2, assignments: null }],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      }),
  },
  { name: 'delete a topic', run: (kafka) => kafka.ask(deleteTopics, 5, { topicNames: ['assigned'], timeoutMs: TIMEOUT_MS }) },
  { name: 'delete it again', run: (kafka) => kafka.ask(deleteTopics, 5, { topicNames: ['assigned'], timeoutMs: TIMEOUT_MS }) },
]
