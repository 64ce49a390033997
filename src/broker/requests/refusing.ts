import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  apis,
  consumerGroupHeartbeat,
  createTopics,
  decodeResponse,
  deleteTopics,
  encodeResponseFrame,
  endTxn,
  fetch,
  heartbeat,
  initProducerId,
  joinGroup,
  leaveGroup,
  offsetCommit,
  produce,
  syncGroup,
  txnOffsetCommit,
} from '../../kafka-wire/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { handler, type Answer, type Handler } from './handler.ts'

/** Of the handler that is made; which versions there are the one in its place has said. */
const any = [0, 0] as const

/** Requests that would change something: they are answered with an error in their place, and nothing is done. */
const inPlace: ReadonlyMap<string, (errorCode: number) => Handler> = new Map([
  ['Produce', refusedProduce],
  ['Fetch', refusedFetch],
  ['OffsetCommit', refusedOffsetCommit],
  ['TxnOffsetCommit', refusedTxnOffsetCommit],
  ['AddPartitionsToTxn', refusedAddPartitions],
  ['CreateTopics', refusedCreateTopics],
  ['DeleteTopics', refusedDeleteTopics],
  ['JoinGroup', (errorCode) => handler(joinGroup, any, () => ({ errorCode, protocolName: '', leader: '', memberId: '', members: [] }))],
  ['SyncGroup', (errorCode) => handler(syncGroup, any, () => ({ errorCode, assignment: new Uint8Array() }))],
  ['Heartbeat', (errorCode) => handler(heartbeat, any, () => ({ errorCode }))],
  ['LeaveGroup', (errorCode) => handler(leaveGroup, any, () => ({ errorCode }))],
  ['InitProducerId', (errorCode) => handler(initProducerId, any, () => ({ errorCode, producerEpoch: -1 }))],
  ['AddOffsetsToTxn', (errorCode) => handler(addOffsetsToTxn, any, () => ({ errorCode }))],
  ['EndTxn', (errorCode) => handler(endTxn, any, () => ({ errorCode }))],
  [
    'ConsumerGroupHeartbeat',
    (errorCode) => handler(consumerGroupHeartbeat, any, () => ({ throttleTimeMs: 0, errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 })),
  ],
])

/** Requests that only ask: they are answered as ever, with the error in place of each that the answer has room for. */
const afterwards: ReadonlySet<string> = new Set([
  'Metadata',
  'ListOffsets',
  'OffsetFetch',
  'FindCoordinator',
  'DescribeGroups',
  'ListGroups',
  'DescribeConfigs',
  'DescribeCluster',
  'OffsetForLeaderEpoch',
])

/** The requests whose answers can be made to say an error. */
export const refusableRequests: ReadonlySet<string> = new Set([...inPlace.keys(), ...afterwards])

/** The handler, answering with the error. @throws MillraceError BAD_REQUEST for one of those that cannot */
export function refusing(real: Handler, errorCode: number): Handler {
  const refused = inPlace.get(real.name)
  if (refused) return { ...refused(errorCode), advertised: real.advertised }
  if (!afterwards.has(real.name))
    throw new MillraceError('BAD_REQUEST', `${real.name} cannot be answered with an error of choice: delay it or disconnect.`)
  const marked = (answer: Answer, version: number): Answer => answer && withErrors(real, version, answer, errorCode)
  return {
    ...real,
    answer: (correlationId, body, context) => {
      const answer = real.answer(correlationId, body, context)
      if (answer instanceof Promise) return answer.then((frames) => marked(frames, context.apiVersion))
      return marked(answer, context.apiVersion)
    },
  }
}

function refusedProduce(errorCode: number): Handler {
  return handler(produce, any, ({ acks, topicData }) => {
    if (acks === 0) return null
    const responses = topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1n })),
    }))
    return { responses }
  })
}

/** Within a session (KIP-227) the request need not name its partitions; then the answer as a whole fails. */
function refusedFetch(errorCode: number): Handler {
  return handler(fetch, any, ({ topics }) => ({
    errorCode: topics.length === 0 ? errorCode : 0,
    responses: topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => ({
        partitionIndex: partition,
        errorCode,
        highWatermark: -1n,
        abortedTransactions: null,
        records: new Uint8Array(),
      })),
    })),
  }))
}

interface WithPartitions<P> {
  readonly name: string
  readonly topicId?: string
  readonly partitions: readonly P[]
}

function refusedOffsets({ name, topicId, partitions }: WithPartitions<{ partitionIndex: number }>, errorCode: number) {
  return {
    name,
    ...(topicId === undefined ? {} : { topicId }),
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }
}

function refusedOffsetCommit(errorCode: number): Handler {
  return handler(offsetCommit, any, ({ topics }) => ({ topics: topics.map((topic) => refusedOffsets(topic, errorCode)) }))
}

function refusedTxnOffsetCommit(errorCode: number): Handler {
  return handler(txnOffsetCommit, any, ({ topics }) => ({ topics: topics.map((topic) => refusedOffsets(topic, errorCode)) }))
}

function refusedAddPartitions(errorCode: number): Handler {
  const results = ({ name, partitions }: WithPartitions<number>) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode: errorCode })),
  })
  return handler(addPartitionsToTxn, any, ({ transactions, v3AndBelowTopics }, { apiVersion }) => {
    if (apiVersion <= 3) return { resultsByTopicV3AndBelow: v3AndBelowTopics.map(results) }
    return {
      resultsByTransaction: transactions.map(({ transactionalId, topics }) => ({ transactionalId, topicResults: topics.map(results) })),
    }
  })
}

function refusedCreateTopics(errorCode: number): Handler {
  return handler(createTopics, any, ({ topics }) => ({
    topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null, configs: null })),
  }))
}

function refusedDeleteTopics(errorCode: number): Handler {
  return handler(deleteTopics, any, ({ topics, topicNames }, { apiVersion }) => ({
    responses: (apiVersion < 6 ? topicNames.map((name) => ({ name })) : topics).map((topic) => ({ ...topic, errorCode })),
  }))
}

function withErrors(real: Handler, version: number, answer: readonly Uint8Array[], errorCode: number): Answer {
  const api = apis.get(real.key)
  if (!api) throw new MillraceError('INTERNAL', `${real.name} is not among the messages.`)
  const frame = Buffer.concat(answer).subarray(4)
  const { correlationId, body } = decodeResponse(api, version, frame)
  return encodeResponseFrame(api, version, correlationId, marked(body, errorCode))
}

/** The value with every `errorCode` in it set. */
function marked(value: unknown, errorCode: number): unknown {
  if (Array.isArray(value)) return value.map((element) => marked(element, errorCode))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, name === 'errorCode' ? errorCode : marked(field, errorCode)]),
  )
}
