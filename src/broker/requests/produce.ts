import { errorCodes, produce, type ProduceRequest } from '../../kafka-wire/index.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { handler, type RequestContext } from './handler.ts'
import { addToTransaction, isTransactional, told, transactionError } from './transactional-produce.ts'

const topicIdsFrom = 13

interface PartitionAnswer {
  index: number
  errorCode: number
  baseOffset: bigint
  logAppendTimeMs: bigint
  logStartOffset: bigint
  recordErrors: readonly { batchIndex: number; batchIndexErrorMessage: string }[]
  errorMessage: string | null
}

interface Pending {
  log: PartitionLog
  endOffset: number
  answer: PartitionAnswer
}

/**
 * Appends in the order of arrival. acks=0 and 1 are answered once the batch is in the file, acks=all once it is synced (P1).
 * Advertised from 0, since librdkafka stops compressing otherwise; 0 to 2 are refused (see refuse-old-produce.ts).
 */
export const produceHandler = handler(produce, [0, 13], (asked, context) => {
  const request = context.apiVersion < topicIdsFrom ? asked : named(asked, context)
  const adding = addToTransaction(request, context)
  if (!adding) return write(request, context, errorCodes.NONE)
  const kept = withOwnRecords(request)
  return adding.then((errorCode) => write(kept, context, errorCode))
})

/** The memory that a request came in is given back when its handler returns. */
function withOwnRecords(request: ProduceRequest): ProduceRequest {
  const topicData = request.topicData.map((topic) => ({
    ...topic,
    partitionData: topic.partitionData.map((data) => ({ ...data, records: data.records && Buffer.from(data.records) })),
  }))
  return { ...request, topicData }
}

/** The request with the names of its topics; '' where there is none of that id. */
function named(request: ProduceRequest, { broker }: RequestContext): ProduceRequest {
  const topicData = request.topicData.map((topic) => ({ ...topic, name: broker.topics.byId(topic.topicId)?.name ?? '' }))
  return { ...request, topicData }
}

/** `added` is the outcome of adding partitions to the transaction: it stands for those that are not in it. */
function write(request: ProduceRequest, context: RequestContext, added: number) {
  const pending: Pending[] = []
  const refused = requestError(request)
  const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
    name: context.apiVersion < topicIdsFrom ? name : '',
    topicId,
    partitionResponses: partitionData.map((data) =>
      refused ? failed(data.index, ...refused) : append(request, name, data, context, added, pending),
    ),
  }))
  if (request.acks === 0) return null
  const response = { responses, throttleTimeMs: 0 }
  return request.acks === -1 && pending.length > 0 ? allVisible(pending, request, context).then(() => response) : response
}

/** What is wrong with the request as a whole. */
function requestError({ acks, transactionalId, topicData }: ProduceRequest): [errorCode: number, message: string] | null {
  const transactional = topicData.some(({ partitionData }) => partitionData.some(({ records }) => isTransactional(records)))
  if (transactional && transactionalId === null)
    return [errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'a transactional batch needs a transactional id']
  if (acks !== 0 && acks !== 1 && acks !== -1) return [errorCodes.INVALID_REQUIRED_ACKS, `acks must be 0, 1 or -1, not ${acks}`]
  return null
}

function append(
  request: ProduceRequest,
  name: string,
  { index, records }: ProduceRequest['topicData'][number]['partitionData'][number],
  context: RequestContext,
  added: number,
  pending: Pending[],
): PartitionAnswer {
  const topic = context.broker.topics.get(name)
  const log = topic?.logs[index]
  const unknown = context.apiVersion >= topicIdsFrom && !topic ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (!topic || !log) return failed(index, unknown, null)
  if (topic.internal && context.clientId !== '__admin_client')
    return failed(index, errorCodes.INVALID_TOPIC_EXCEPTION, `${topic.name} is written by the broker only`)
  if (records === null || records.length === 0) return failed(index, errorCodes.INVALID_RECORD, 'the request has no record batch')
  const outside = transactionError(request, log, records, context)
  if (outside !== errorCodes.NONE) return failed(index, added === errorCodes.NONE ? outside : told(added, context.apiVersion), null)
  const appended = log.append(records)
  if (!appended.ok) {
    const logStartOffset = appended.byLog ? BigInt(log.logStartOffset) : -1n
    return { ...failed(index, appended.errorCode, appended.message), logStartOffset, recordErrors: appended.recordErrors }
  }
  const answer: PartitionAnswer = {
    index,
    errorCode: errorCodes.NONE,
    baseOffset: BigInt(appended.baseOffset),
    logAppendTimeMs: BigInt(appended.logAppendTimeMs),
    logStartOffset: BigInt(log.logStartOffset),
    recordErrors: [],
    errorMessage: null,
  }
  pending.push({ log, endOffset: appended.endOffset, answer })
  return answer
}

function failed(index: number, errorCode: number, errorMessage: string | null): PartitionAnswer {
  return { index, errorCode, baseOffset: -1n, logAppendTimeMs: -1n, logStartOffset: -1n, recordErrors: [], errorMessage }
}

/** P1: waits for the group sync; a record whose log went offline meanwhile is not acknowledged, nor one that took longer than the request's timeout. */
async function allVisible(pending: readonly Pending[], request: ProduceRequest, { broker }: RequestContext): Promise<void> {
  const late = pending.filter(({ log, endOffset }) => log.highWatermark < endOffset || log.offline)
  if (late.length === 0) return
  const settled = new Set<Pending>()
  let stopTimer = (): void => {}
  const timeout = new Promise<void>((resolve) => (stopTimer = broker.clock.after(Math.max(0, request.timeoutMs), resolve)))
  const synced = Promise.all(
    late.map(async (waiting) => {
      const error = await waiting.log.visible(waiting.endOffset)
      settled.add(waiting)
      if (error) Object.assign(waiting.answer, failed(waiting.answer.index, errorCodes.KAFKA_STORAGE_ERROR, error.message))
    }),
  )
  await Promise.race([synced, timeout])
  stopTimer()
  for (const waiting of late) {
    if (!settled.has(waiting))
      Object.assign(waiting.answer, failed(waiting.answer.index, errorCodes.REQUEST_TIMED_OUT, 'the disk did not sync in time'))
  }
}
