import { errorCodes, fetch, type FetchRequest } from '../../kafka-wire/index.ts'
import { lastOffsetAt, wholeBatches } from '../log/batch-view.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { FetchedPartition, FetchPlan } from './fetch-sessions.ts'
import { handler, type RequestContext } from './handler.ts'
import { topicOf } from './topic-of.ts'

const noRecords = Buffer.alloc(0)
const readCommitted = 1

interface Wanted {
  readonly fetched: FetchedPartition
  readonly log: PartitionLog | null
  /** read_committed: up to the last stable offset. */
  readonly committedOnly: boolean
  /** An error found before reading. */
  readonly errorCode: number
  readonly diverging: { epoch: number; endOffset: bigint } | null
}

/** What a reader of committed records must leave out of the records it is given (KIP-98). */
function abortedIn(log: PartitionLog, offset: number, records: Buffer): { producerId: bigint; firstOffset: bigint }[] {
  const { length, lastAt } = wholeBatches(records)
  if (length === 0) return []
  const aborted = log.aborted(offset, lastOffsetAt(records, lastAt) + 1)
  return aborted.map(({ producerId, firstOffset }) => ({ producerId: BigInt(producerId), firstOffset: BigInt(firstOffset) }))
}

interface Gathered {
  bytes: number
  failed: boolean
  answers: { fetched: FetchedPartition; answer: ReturnType<typeof answerPartition> }[]
}

const topicIdsFrom = 13

/**
 * Whole batches from the one that holds the offset on, below the high watermark. Waits until `minBytes` are there or
 * `maxWaitMs` are over. Within a session (KIP-227) the answer tells what is new.
 */
export const fetchHandler = handler(fetch, [4, 18], (request, context) => {
  const plan = context.broker.fetchSessions.plan(request, context.apiVersion >= topicIdsFrom)
  const answer = (gathered: Gathered | null) => ({
    errorCode: plan.errorCode,
    sessionId: plan.sessionId,
    throttleTimeMs: 0,
    responses: gathered ? byTopic(gathered, plan) : [],
  })
  if (plan.errorCode !== errorCodes.NONE) return answer(null)
  const committedOnly = request.isolationLevel === readCommitted
  const wanted = plan.wanted.map((fetched) => wantedPartition(fetched, committedOnly, context))
  const maxBytes = Math.min(request.maxBytes, context.broker.config.number('fetch.max.bytes'))
  const first = gather(wanted, maxBytes)
  if (first.failed || first.bytes >= request.minBytes || request.maxWaitMs <= 0 || wanted.length === 0) return answer(first)
  return untilEnough(wanted, request, context).then(() => answer(gather(wanted, maxBytes)))
})

/** What the client is to be told, partitions of one topic that follow each other together. */
function byTopic({ answers }: Gathered, plan: FetchPlan) {
  const responses: { topic: string; topicId: string; partitions: ReturnType<typeof answerPartition>[] }[] = []
  for (const { fetched, answer } of answers) {
    if (!plan.tells(fetched, answer)) continue
    const last = responses.at(-1)
    if (last?.topic === fetched.topic && last.topicId === fetched.topicId) last.partitions.push(answer)
    else responses.push({ topic: fetched.topic, topicId: fetched.topicId, partitions: [answer] })
  }
  return responses
}

function wantedPartition(fetched: FetchedPartition, committedOnly: boolean, { broker, apiVersion }: RequestContext): Wanted {
  const { topic, unknown } = topicOf(broker.topics, apiVersion >= topicIdsFrom, { name: fetched.topic, topicId: fetched.topicId })
  const log = topic?.logs[fetched.partition]
  if (!log)
    return { fetched, committedOnly, log: null, errorCode: topic ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : unknown, diverging: null }
  const errorCode = epochError(log, fetched.currentLeaderEpoch)
  const diverging = errorCode === errorCodes.NONE ? divergence(log, fetched.fetchOffset, fetched.lastFetchedEpoch) : null
  return { fetched, committedOnly, log, errorCode, diverging }
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

function gather(wanted: readonly Wanted[], maxBytes: number): Gathered {
  const gathered: Gathered = { bytes: 0, failed: false, answers: [] }
  for (const one of wanted) gathered.answers.push({ fetched: one.fetched, answer: answerPartition(one, maxBytes, gathered) })
  return gathered
}

function answerPartition(wanted: Wanted, maxBytes: number, gathered: Gathered) {
  const { log, fetched } = wanted
  let { errorCode } = wanted
  let records: Buffer = noRecords
  let aborted: ReturnType<typeof abortedIn> | null = null
  if (log && errorCode === errorCodes.NONE && !wanted.diverging) {
    const read = log.read(
      fetched.fetchOffset,
      Math.min(fetched.maxBytes, maxBytes - gathered.bytes),
      gathered.bytes === 0,
      wanted.committedOnly,
    )
    const listed = read.ok && wanted.committedOnly ? log.look(() => abortedIn(log, fetched.fetchOffset, read.records)) : null
    if (!read.ok) errorCode = read.errorCode
    else if (listed && !listed.ok) errorCode = listed.errorCode
    else {
      records = read.records
      aborted = listed?.found ?? null
    }
  }
  gathered.bytes += records.length
  gathered.failed ||= errorCode !== errorCodes.NONE || wanted.diverging !== null
  const known = log !== null && errorCode !== errorCodes.KAFKA_STORAGE_ERROR
  const highWatermark = known ? BigInt(log.highWatermark) : -1n
  return {
    partitionIndex: fetched.partition,
    errorCode,
    highWatermark,
    lastStableOffset: known ? BigInt(log.lastStableOffset) : -1n,
    logStartOffset: known ? BigInt(log.logStartOffset) : -1n,
    abortedTransactions: errorCode !== errorCodes.NONE ? [] : aborted,
    preferredReadReplica: -1,
    ...(wanted.diverging ? { divergingEpoch: wanted.diverging } : {}),
    records,
  }
}

/** Resolves when enough new bytes are visible, a log went offline, the time is over, or the client is gone. */
function untilEnough(wanted: readonly Wanted[], request: FetchRequest, { broker, gone }: RequestContext): Promise<void> {
  const waiting = wanted.flatMap(({ log, fetched, committedOnly }) => (log ? [{ log, offset: fetched.fetchOffset, committedOnly }] : []))
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
