import { errorCodes, produce, type ProduceRequest } from '../../kafka-wire/index.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { handler, type RequestContext } from './handler.ts'

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
export const produceHandler = handler(produce, [0, 11], (request, context) => {
  const acksOk = request.acks === 0 || request.acks === 1 || request.acks === -1
  const pending: Pending[] = []
  const unauthorized = request.topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) => records && isTransactional(records)),
  )
  const responses = request.topicData.map((topicData) => {
    const topic = context.broker.topics.get(topicData.name)
    return {
      name: topicData.name,
      partitionResponses: topicData.partitionData.map(({ index, records }) => {
        if (unauthorized) {
          return failed(index, errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'a transactional batch needs a transactional id')
        }
        if (!acksOk) return failed(index, errorCodes.INVALID_REQUIRED_ACKS, `acks must be 0, 1 or -1, not ${request.acks}`)
        const log = topic?.logs[index]
        if (!topic || !log) return failed(index, errorCodes.UNKNOWN_TOPIC_OR_PARTITION, null)
        if (topic.internal && context.clientId !== '__admin_client')
          return failed(index, errorCodes.INVALID_TOPIC_EXCEPTION, `${topic.name} is written by the broker only`)
        return append(log, index, records, pending)
      }),
    }
  })
  if (request.acks === 0) return null
  const response = { responses, throttleTimeMs: 0 }
  return request.acks === -1 && pending.length > 0 ? allVisible(pending, request, context).then(() => response) : response
})

/** Attribute bit 4 of a magic-2 batch. */
function isTransactional(records: Uint8Array): boolean {
  return records.length > 22 && records[16] === 2 && ((records[22] ?? 0) & 0x10) !== 0
}

function append(log: PartitionLog, index: number, records: Uint8Array | null, pending: Pending[]): PartitionAnswer {
  if (records === null || records.length === 0) return failed(index, errorCodes.INVALID_RECORD, 'the request has no record batch')
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
