import { errorCodes } from '../../kafka-wire/index.ts'

/** Kafka's names, as ListTransactions shows them. */
export type TransactionStatus = 'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort'

/** Partitions by topic. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>

/** Everything about one transactional id, as it is kept in `__transaction_state`. Replaced, never changed. */
export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly epoch: number
  /** The epoch before it was raised for the producer itself, which may ask again for the answer it lost; −1 for none. */
  readonly lastEpoch: number
  /** The producer id before this one, when its epochs were used up; −1 for none. */
  readonly previousProducerId: number
  /** The producer id that the end of this transaction brings, when the epochs are used up; −1 for none. */
  readonly nextProducerId: number
  readonly timeoutMs: number
  readonly status: TransactionStatus
  readonly partitions: Partitions
  /** −1 outside of a transaction. */
  readonly startMs: number
  readonly updateMs: number
  /** 2 when the producer's transactions raise the epoch (KIP-890). */
  readonly clientVersion: number
}

export const maxEpoch = 0x7fff
/** From here on a producer gets another id instead of another epoch; the last epoch is left for fencing. */
const lastUsableEpoch = maxEpoch - 1

/** What a request makes of a transaction: another state to be written, the same as before, or an error code. */
export type Transition = { is: 'next'; to: Transaction } | { is: 'same' } | { is: 'refused'; errorCode: number }

const same: Transition = { is: 'same' }
const refused = (errorCode: number): Transition => ({ is: 'refused', errorCode })
const next = (to: Transaction): Transition => ({ is: 'next', to })

export function isPrepared(status: TransactionStatus): status is 'PrepareCommit' | 'PrepareAbort' {
  return status === 'PrepareCommit' || status === 'PrepareAbort'
}

const none: Partitions = new Map()

/** A transactional id nobody knows yet. */
export function newTransaction(transactionalId: string, producerId: number, timeoutMs: number, nowMs: number): Transaction {
  return {
    transactionalId,
    producerId,
    epoch: 0,
    lastEpoch: -1,
    previousProducerId: -1,
    nextProducerId: -1,
    timeoutMs,
    status: 'Empty',
    partitions: none,
    startMs: -1,
    updateMs: nowMs,
    clientVersion: 0,
  }
}

/**
 * InitProducerId for a known id (KIP-98, KIP-360). `same` repeats an answer that was lost. An open transaction is refused with
 * CONCURRENT_TRANSACTIONS: the caller aborts it (see `fence`).
 */
export function initialise(
  now: Transaction,
  wanted: { timeoutMs: number; producerId: number; epoch: number },
  fresh: { producerId: () => number; nowMs: number },
): Transition {
  const { producerId, epoch } = wanted
  const isKnown = producerId < 0 || producerId === now.producerId || (producerId === now.previousProducerId && epoch === lastUsableEpoch)
  if (!isKnown) return refused(errorCodes.PRODUCER_FENCED)
  if (now.status === 'Ongoing' || isPrepared(now.status)) return refused(errorCodes.CONCURRENT_TRANSACTIONS)
  const base: Transaction = { ...now, status: 'Empty', partitions: none, timeoutMs: wanted.timeoutMs, startMs: -1, updateMs: fresh.nowMs }
  if (producerId >= 0 && producerId !== now.producerId) return same
  if (epoch >= 0 && epoch !== now.epoch) return epoch === now.lastEpoch ? same : refused(errorCodes.PRODUCER_FENCED)
  if (now.epoch >= lastUsableEpoch) {
    return next({ ...base, producerId: fresh.producerId(), epoch: 0, lastEpoch: -1, previousProducerId: now.producerId })
  }
  return next({ ...base, epoch: now.epoch + 1, lastEpoch: epoch >= 0 ? now.epoch : -1 })
}

/** Whether a request of this producer may touch the transaction. */
export function fencing(now: Transaction, producerId: number, epoch: number): number {
  if (producerId !== now.producerId) return errorCodes.INVALID_PRODUCER_ID_MAPPING
  return epoch === now.epoch ? errorCodes.NONE : errorCodes.PRODUCER_FENCED
}

export function holds(now: Transaction, topic: string, partition: number): boolean {
  return now.partitions.get(topic)?.has(partition) ?? false
}

/** AddPartitionsToTxn; `clientVersion` 2 when produce or an offset commit adds them by itself. */
export function addPartitions(
  now: Transaction,
  producer: { producerId: number; epoch: number; clientVersion: number },
  added: readonly { topic: string; partition: number }[],
  nowMs: number,
): Transition {
  const fenced = fencing(now, producer.producerId, producer.epoch)
  if (fenced !== errorCodes.NONE) return refused(fenced)
  if (isPrepared(now.status)) return refused(errorCodes.CONCURRENT_TRANSACTIONS)
  if (now.status === 'Ongoing' && added.every(({ topic, partition }) => holds(now, topic, partition))) return same
  const partitions = new Map(now.status === 'Ongoing' ? now.partitions : none)
  for (const { topic, partition } of added) partitions.set(topic, new Set([...(partitions.get(topic) ?? []), partition]))
  const startMs = now.status === 'Ongoing' ? now.startMs : nowMs
  return next({ ...now, status: 'Ongoing', partitions, startMs, updateMs: nowMs, clientVersion: producer.clientVersion })
}

/** EndTxn by the producer. Version 1: the epoch stays; version 2 (KIP-890): it rises, and the marker carries the new one. */
export function end(
  now: Transaction,
  wanted: { producerId: number; epoch: number; commit: boolean; clientVersion: number },
  fresh: { producerId: () => number; nowMs: number },
): Transition {
  const { producerId, epoch, commit, clientVersion } = wanted
  const raises = clientVersion >= 2
  const isRetry =
    raises &&
    ((producerId === now.producerId && epoch === now.epoch - 1) || (producerId === now.previousProducerId && epoch === lastUsableEpoch))
  const fenced = isRetry ? errorCodes.NONE : fencing(now, producerId, epoch)
  if (fenced !== errorCodes.NONE) return refused(fenced)
  const prepared = (): Transition => next(prepare(now, commit, raises, fresh))
  switch (now.status) {
    case 'Ongoing':
      return isRetry ? refused(errorCodes.PRODUCER_FENCED) : prepared()
    case 'PrepareCommit':
    case 'PrepareAbort':
      return refused((now.status === 'PrepareCommit') === commit ? errorCodes.CONCURRENT_TRANSACTIONS : errorCodes.INVALID_TXN_STATE)
    case 'CompleteCommit':
    case 'CompleteAbort': {
      if ((isRetry || !raises) && (now.status === 'CompleteCommit') === commit) return same
      // KIP-890: aborting where nothing was added raises the epoch too.
      return raises && !isRetry && !commit ? prepared() : refused(errorCodes.INVALID_TXN_STATE)
    }
    case 'Empty':
      if (isRetry) return refused(errorCodes.PRODUCER_FENCED)
      return raises && !commit ? prepared() : refused(errorCodes.INVALID_TXN_STATE)
  }
}

function prepare(now: Transaction, commit: boolean, raises: boolean, fresh: { producerId: () => number; nowMs: number }): Transaction {
  const partitions = now.status === 'Ongoing' ? now.partitions : none
  const to: Transaction = { ...now, status: commit ? 'PrepareCommit' : 'PrepareAbort', partitions, updateMs: fresh.nowMs }
  if (!raises) return to
  const nextProducerId = now.epoch >= lastUsableEpoch ? fresh.producerId() : -1
  return { ...to, epoch: Math.min(now.epoch + 1, maxEpoch), lastEpoch: now.epoch, nextProducerId, clientVersion: 2 }
}

/** Aborts an open transaction over its producer's head, whose epoch is then of the past: it took too long, or another producer came. */
export function fence(now: Transaction, nowMs: number): Transaction {
  return { ...now, status: 'PrepareAbort', epoch: Math.min(now.epoch + 1, maxEpoch), lastEpoch: -1, updateMs: nowMs }
}

/** All markers are written. */
export function complete(now: Transaction, nowMs: number): Transaction {
  const status = now.status === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort'
  const done: Transaction = { ...now, status, partitions: none, updateMs: nowMs }
  if (now.nextProducerId < 0) return done
  return { ...done, producerId: now.nextProducerId, epoch: 0, lastEpoch: -1, previousProducerId: now.producerId, nextProducerId: -1 }
}
