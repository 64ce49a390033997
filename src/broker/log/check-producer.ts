import { errorCodes, type BatchHeader } from '../../kafka-wire/index.ts'
import { reject, type Appended } from './outcomes.ts'
import type { ProducerStates } from './producer-states.ts'

/** Whether an idempotent producer's batch is its next here: null then, else the answer (a duplicate gets its first one again). */
export function checkProducer(producers: ProducerStates, header: BatchHeader): Appended | null {
  if (header.producerId < 0n) return null
  const producerId = Number(header.producerId)
  const sequence = producers.check(producerId, header.producerEpoch, header.baseSequence, header.recordCount)
  if (sequence.is === 'duplicate') {
    const { baseOffset, lastOffset, timestampMs } = sequence.of
    return { ok: true, baseOffset, endOffset: lastOffset + 1, logAppendTimeMs: timestampMs }
  }
  if (sequence.is === 'gap') return reject(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, sequence.message)
  const isOpen = (producers.get(producerId)?.transactionFrom ?? null) !== null
  if (isOpen && !header.isTransactional) return reject(errorCodes.INVALID_TXN_STATE, 'a transaction of this producer is open')
  return sequence.is === 'fenced' ? reject(errorCodes.INVALID_PRODUCER_EPOCH, sequence.message) : null
}
