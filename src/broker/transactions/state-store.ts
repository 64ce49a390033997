import { decodeBatch, encodeBatch, WireError } from '../../kafka-wire/index.ts'
import type { Clock, Logger } from '../../platform/index.ts'
import { visibleBatches } from '../log/visible-batches.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import { InternalTopic } from '../topics/internal-topic.ts'
import { transactionsTopic, type Topic, type Topics } from '../topics/topics.ts'
import { readTransactionRecord, transactionKey, transactionValue } from './state-records.ts'
import type { Transaction } from './transaction.ts'

/** `__transaction_state`: where transactions are written, and read back at start. */
export class StateStore {
  readonly #internal: InternalTopic
  readonly #clock: Clock
  readonly #log: Logger

  constructor(parts: { topics: Topics; config: BrokerConfig; clock: Clock; log: Logger }) {
    this.#internal = new InternalTopic(transactionsTopic, 'transaction.state.log', parts)
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** The topic, made when it is missing; null when that failed. */
  topic(): Promise<Topic | null> {
    return this.#internal.topic()
  }

  /** Writes a transaction's state, or its end (null), and waits until it is synced (P1), unless told not to; false when that failed. */
  async write(transactionalId: string, transaction: Transaction | null, options: { wait: boolean } = { wait: true }): Promise<boolean> {
    const batch = (): Uint8Array => {
      const value = transaction && transactionValue(transaction)
      const records = [{ key: transactionKey(transactionalId), value, timestampMs: this.#clock.nowMs() }]
      return encodeBatch({ records, compression: 'none' })
    }
    return (await this.#internal.append(transactionalId, batch, options)) !== null
  }

  /** The last state of each transactional id. Damaged or unknown records are left out, with a log line. */
  readAll(): Map<string, Transaction> {
    const found = new Map<string, Transaction>()
    for (const log of this.#internal.logs) {
      for (const { bytes, at, header } of visibleBatches(log)) {
        const decoded = decodeBatch(bytes, at, header)
        if (!decoded.ok) {
          const { reason } = decoded
          this.#log.warn('left out a batch that cannot be decoded', {
            topic: log.topic,
            partition: log.partition,
            offset: Number(header.baseOffset),
            reason,
          })
        }
        for (const { key, value, offset } of decoded.ok && !header.isControl ? decoded.records : []) {
          try {
            const { transactionalId, transaction } = readTransactionRecord(key ?? new Uint8Array(), value)
            if (transaction) found.set(transactionalId, transaction)
            else found.delete(transactionalId)
          } catch (error) {
            if (!(error instanceof WireError)) throw error
            this.#log.warn('left out a transaction of an unknown format', { partition: log.partition, offset: Number(offset), error })
          }
        }
      }
    }
    return found
  }
}
