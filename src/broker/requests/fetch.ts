import { errorCodes, fetch, type FetchRequest } from '../../kafka-wire/index.ts'
import { lastOffsetAt, wholeBatches } from '../log/batch-view.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Topic } from '../topics/topics.ts'
import { handler, type RequestContext } from './handler.ts'

const noRecords = Buffer.alloc(0)
const readCommitted = 1

interface Wanted {
  partition: number
  offset: number
  maxBytes: number
  log: PartitionLog | null
  /** read_committed: up to the last stable offset. */
  committedOnly: boolean
  /** An error found before reading. */
  errorCode: number
  diverging: { epoch: number; endOffset: bigint } | null
}

/** What a reader of committed records must leave out of the records it is given (KIP-98). */
function abortedIn(log: PartitionLog, offset: number, records: Buffer): { producerId: bigint; firstOffset: bigint }[] {
  const { length, lastAt } = wholeBatches(records)
  if (length === 0) return []
  const aborted = log.aborted(offset, lastOffsetAt(records, lastAt) + 1)
  return aborted.map(({ producerId, firstOffset }) => ({ producerId: BigInt(producerId), firstOffset: BigInt(firstOffset) }))
}

interface WantedTopic {
  topic: string
  topicId: string
  partitions: Wanted[]
}

interface Gathered {
  bytes: number
  failed: boolean
  responses: ReturnType<typeof answerTopic>[]
}

/**
 * Whole batches from the one that holds the offset on, below the high watermark. Waits until `minBytes` are there or
 * `maxWaitMs` are over. Every fetch is a full one (session id 0, KIP-227 allows that).
 */
export const fetchHandler = handler(fetch, [4, 17], (request, context) => {
  const committedOnly = request.isolationLevel === readCommitted
  const wanted = request.topics.map((topic) => wantedTopic(topic, committedOnly, context))
  const answer = (gathered: Gathered) => ({ errorCode: errorCodes.NONE, sessionId: 0, throttleTimeMs: 0, responses: gathered.responses })
  if (request.sessionId !== 0 && request.sessionEpoch > 0) {
    return { errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, throttleTimeMs: 0, responses: [] }
  }
  const maxBytes = Math.min(request.maxBytes, context.broker.config.number('fetch.max.bytes'))
  const first = gather(wanted, maxBytes)
  if (first.failed || first.bytes >= request.minBytes || request.maxWaitMs <= 0 || wanted.length === 0) return answer(first)
  return untilEnough(wanted, request, context).then(() => answer(gather(wanted, maxBytes)))
})

function wantedTopic(
  requested: FetchRequest['topics'][number],
  committedOnly: boolean,
  { broker, apiVersion }: RequestContext,
): WantedTopic {
  const byId = apiVersion >= 13
  const topic = byId ? broker.topics.byId(requested.topicId) : broker.topics.get(requested.topic)
  const unknown = byId && !topic ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  return {
    topic: requested.topic,
    topicId: requested.topicId,
    partitions: requested.partitions.map((partition) => wantedPartition(topic, partition, committedOnly, unknown)),
  }
}

function wantedPartition(
  topic: Topic | undefined,
  requested: FetchRequest['topics'][number]['partitions'][number],
  committedOnly: boolean,
  unknown: number,
): Wanted {
  const log = topic?.logs[requested.partition]
  const wanted = {
    partition: requested.partition,
    offset: Number(requested.fetchOffset),
    maxBytes: requested.partitionMaxBytes,
    committedOnly,
  }
  if (!log) return { ...wanted, log: null, errorCode: unknown, diverging: null }
  const errorCode = epochError(log, requested.currentLeaderEpoch)
  return {
    ...wanted,
    log,
    errorCode,
    diverging: errorCode === errorCodes.NONE ? divergence(log, wanted.offset, requested.lastFetchedEpoch) : null,
  }
}

/** KIP-320: FENCED_LEADER_EPOCH for a client that knows an older epoch, UNKNOWN_LEADER_EPOCH for a newer one. */
export function epochError(log: PartitionLog, currentLeaderEpoch: number): number {
  if (currentLeaderEpoch < 0 || currentLeaderEpoch === log.leaderEpoch) return errorCodes.NONE
  return currentLeaderEpoch < log.leaderEpoch ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH
}

/** KIP-595: where the log departs from what the client read last, when it does (a log cut by recovery). */
function divergence(log: PartitionLog, offset: number, lastFetchedEpoch: number): Wanted['diverging'] {
  if (lastFetchedEpoch < 0) return null
  const end = log.epochs.endOf(lastFetchedEpoch, log.logEndOffset)
  if (!end || (end.epoch === lastFetchedEpoch && end.endOffset >= offset)) return null
  return { epoch: end.epoch, endOffset: BigInt(end.endOffset) }
}

function gather(wanted: readonly WantedTopic[], maxBytes: number): Gathered {
  const gathered: Gathered = { bytes: 0, failed: false, responses: [] }
  for (const topic of wanted) gathered.responses.push(answerTopic(topic, maxBytes, gathered))
  return gathered
}

function answerTopic({ topic, topicId, partitions }: WantedTopic, maxBytes: number, gathered: Gathered) {
  return { topic, topicId, partitions: partitions.map((wanted) => answerPartition(wanted, maxBytes, gathered)) }
}

function answerPartition(wanted: Wanted, maxBytes: number, gathered: Gathered) {
  const { log } = wanted
  let { errorCode } = wanted
  let records: Buffer = noRecords
  if (log && errorCode === errorCodes.NONE && !wanted.diverging) {
    const read = log.read(wanted.offset, Math.min(wanted.maxBytes, maxBytes - gathered.bytes), gathered.bytes === 0, wanted.committedOnly)
    if (read.ok) records = read.records
    else errorCode = read.errorCode
  }
  gathered.bytes += records.length
  gathered.failed ||= errorCode !== errorCodes.NONE || wanted.diverging !== null
  const known = log !== null && errorCode !== errorCodes.KAFKA_STORAGE_ERROR
  const highWatermark = known ? BigInt(log.highWatermark) : -1n
  return {
    partitionIndex: wanted.partition,
    errorCode,
    highWatermark,
    lastStableOffset: known ? BigInt(log.lastStableOffset) : -1n,
    logStartOffset: known ? BigInt(log.logStartOffset) : -1n,
    abortedTransactions: errorCode !== errorCodes.NONE ? [] : wanted.committedOnly && log ? abortedIn(log, wanted.offset, records) : null,
    preferredReadReplica: -1,
    ...(wanted.diverging ? { divergingEpoch: wanted.diverging } : {}),
    records,
  }
}

/** Resolves when enough new bytes are visible, a log went offline, the time is over, or the client is gone. */
function untilEnough(wanted: readonly WantedTopic[], request: FetchRequest, { broker, gone }: RequestContext): Promise<void> {
  const waiting = wanted.flatMap(({ partitions }) =>
    partitions.flatMap(({ log, offset, committedOnly }) => (log ? [{ log, offset, committedOnly }] : [])),
  )
  return new Promise((resolve) => {
    const done = (): void => {
      stopTimer()
      gone.removeEventListener('abort', done)
      for (const stop of stops) stop()
      resolve()
    }
    const look = (): void => {
      let bytes = 0
      for (const { log, offset, committedOnly } of waiting)
        bytes += log.ended ? request.minBytes : log.bytesFrom(offset, request.minBytes, committedOnly)
      if (bytes >= request.minBytes) done()
    }
    const stops = waiting.map(({ log }) => log.watch(look))
    const stopTimer = broker.clock.after(request.maxWaitMs, done)
    gone.addEventListener('abort', done, { once: true })
  })
}
