import { errorCodes, txnOffsetCommit } from '../../kafka-wire/index.ts'
import { offsetsTopic } from '../topics/topics.ts'
import { handler } from './handler.ts'
import { offsetsToCommit } from './offset-commit.ts'

/** From this version on TRANSACTION_ABORTABLE is known; INVALID_TXN_STATE stands for it before. */
const abortableFrom = 4
/** KIP-890: from this version on the group's partition is added to the transaction by this request itself. */
const addsFrom = 5

/** Commits offsets within a transaction: they count once it is committed (KIP-98), and only from the group's present generation (KIP-447). */
export const txnOffsetCommitHandler = handler(txnOffsetCommit, [0, 5], async (request, { broker, apiVersion }) => {
  const { transactionalId, groupId } = request
  const { offsets, answer } = offsetsToCommit(
    request.topics.map((topic) => ({ ...topic, topicId: '' })),
    broker,
    false,
  )
  const producer = { transactionalId, producerId: Number(request.producerId), epoch: request.producerEpoch }
  const partition = await broker.groups.partition(groupId)
  const said = (errorCode: number): number => {
    if (errorCode === errorCodes.PRODUCER_FENCED) return errorCodes.INVALID_PRODUCER_EPOCH
    return errorCode === errorCodes.TRANSACTION_ABORTABLE && apiVersion < abortableFrom ? errorCodes.INVALID_TXN_STATE : errorCode
  }
  const respond = (errorCode: number) => ({ throttleTimeMs: 0, topics: answer(said(errorCode)) })
  if (groupId === '') return respond(errorCodes.INVALID_GROUP_ID)
  if (partition === null) return respond(errorCodes.COORDINATOR_NOT_AVAILABLE)
  const place = { topic: offsetsTopic, partition }
  if (apiVersion >= addsFrom) {
    const added = await broker.transactions.addPartitions(producer, [place], 2)
    if (added !== errorCodes.NONE) return respond(added)
  }
  const errorCode = await broker.groups.commit(groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    knowsEpochs: true,
    offsets,
    producer: { ...producer, mayWrite: () => broker.transactions.verify(producer, place) },
  })
  return respond(errorCode)
})
