import { encodeBatch, errorCodes, type BatchInput } from '../../../kafka-wire/index.ts'
import type { Life } from './life.ts'
import type { Model, Sent, Transaction } from './model.ts'

/** What the clients of a history act on. */
export interface Scene {
  readonly life: Life
  /** How often the broker was started. */
  readonly lives: number
  readonly model: Model
  newRecord(place: number, transaction: Transaction | null): Sent
  /** An answer said how a transaction ended. */
  decide(transaction: Transaction, outcome: 'committed' | 'aborted'): void
  mayRefuse(errorCode: number): boolean
  /** Resolves at the next action of the history. */
  nextTurn(): Promise<void>
  /** Resolves when the broker runs again. */
  nextLife(): Promise<void>
}

/** One batch of records that carry their ids. */
export function batchOf(records: readonly Sent[], producer: Partial<BatchInput>): Uint8Array {
  return encodeBatch({
    records: records.map(({ id, key, isTombstone, timestampMs }) => ({
      key: Buffer.from(key),
      value: isTombstone ? null : Buffer.from(id.padEnd(40, '.')),
      timestampMs,
      headers: [{ key: 'id', value: Buffer.from(id) }],
    })),
    compression: 'none',
    ...producer,
  })
}

/** Errors that a broker may answer with while its disk is full or gone, or something is under way. */
export const passing = new Set<number>([
  errorCodes.KAFKA_STORAGE_ERROR,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.REQUEST_TIMED_OUT,
  errorCodes.NOT_ENOUGH_REPLICAS,
])
