import { decodeBatch, encodeBatch, errorCodes, WireError, type BatchInput } from '../../kafka-wire/index.ts'
import type { Clock, Logger } from '../../platform/index.ts'
import { readMarker } from '../log/control-records.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { visibleBatches } from '../log/visible-batches.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import { InternalTopic, partitionOf } from '../topics/internal-topic.ts'
import { offsetsTopic, type Topic, type Topics } from '../topics/topics.ts'
import { readOffsetsRecord, type OffsetsRecord } from './offsets-records.ts'

/** `__consumer_offsets`: where groups and their offsets are written, and read back at start. */
export class OffsetsStore {
  readonly #internal: InternalTopic
  readonly #clock: Clock
  readonly #log: Logger

  constructor(parts: { topics: Topics; config: BrokerConfig; clock: Clock; log: Logger }) {
    this.#internal = new InternalTopic(offsetsTopic, 'offsets.topic', parts)
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** The topic, made when it is missing; null when that failed. */
  topic(): Promise<Topic | null> {
    return this.#internal.topic()
  }

  /** Writes records of one group as one batch and waits until it is synced (P1); the batch's first offset, or null when that failed. */
  write(group: string, records: readonly OffsetsEntry[]): Promise<number | null> {
    return this.#internal.append(group, () => this.#batch(records, {}), { wait: true })
  }

  /**
   * Writes records within a producer's transaction, if it may at this moment; they count once its marker is there. `appended` gets the
   * batch's first offset at once, before it is synced. Returns the error code to answer.
   */
  async writeIn(
    producer: { producerId: number; epoch: number; mayWrite(): number },
    group: string,
    records: readonly OffsetsEntry[],
    appended: (at: number) => void,
  ): Promise<number> {
    const log = await this.#internal.logOf(group)
    const refused = producer.mayWrite()
    if (!log || refused !== errorCodes.NONE) return refused || errorCodes.COORDINATOR_NOT_AVAILABLE
    const { producerId, epoch } = producer
    const written = log.appendOwn(this.#batch(records, { producerId: BigInt(producerId), producerEpoch: epoch, isTransactional: true }))
    if (!written.ok) return errorCodes.COORDINATOR_NOT_AVAILABLE
    appended(written.baseOffset)
    return (await log.visible(written.endOffset)) === null ? errorCodes.NONE : errorCodes.COORDINATOR_NOT_AVAILABLE
  }

  #batch(records: readonly OffsetsEntry[], producer: Partial<BatchInput>): Buffer {
    const timestampMs = this.#clock.nowMs()
    return encodeBatch({ records: records.map((record) => ({ ...record, timestampMs })), compression: 'none', ...producer })
  }

  /** The partition that holds a group; null while there is no topic. */
  partition(group: string): number | null {
    const { length } = this.#internal.logs
    return length > 0 ? partitionOf(group, length) : null
  }

  /** Reads everything back, partition by partition, oldest first, with the markers of transactions. Damaged or unknown records are left out, with a log line. */
  *readAll(): Generator<StoredRecord> {
    for (const log of this.#internal.logs) {
      let skipped = 0
      for (const stored of recordsOf(log)) {
        if (stored.is === 'record' && stored.record.is === 'unknown') skipped++
        else yield stored
      }
      if (skipped > 0)
        this.#log.warn('left out records of an unknown format', { topic: log.topic, partition: log.partition, records: skipped })
    }
  }
}

export interface OffsetsEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/** A record with its offset and the producer of its transaction, or what ended one. */
export type StoredRecord =
  | { is: 'record'; record: OffsetsRecord; at: number; producerId: number | null }
  | { is: 'marker'; partition: number; producerId: number; commit: boolean }

function* recordsOf(log: PartitionLog): Generator<StoredRecord> {
  for (const { bytes, at, header } of visibleBatches(log)) {
    const marker = readMarker(bytes, at, header)
    if (marker) yield { is: 'marker', partition: log.partition, producerId: marker.producerId, commit: marker.commit }
    if (header.isControl) continue
    const decoded = decodeBatch(bytes, at, header)
    if (!decoded.ok) yield { is: 'record', record: { is: 'unknown' }, at: Number(header.baseOffset), producerId: null }
    for (const { key, value, offset } of decoded.ok ? decoded.records : []) {
      const record: OffsetsRecord = key === null ? { is: 'unknown' } : parse(key, value)
      yield { is: 'record', record, at: Number(offset), producerId: header.isTransactional ? Number(header.producerId) : null }
    }
  }
}

function parse(key: Uint8Array, value: Uint8Array | null): OffsetsRecord {
  try {
    return readOffsetsRecord(key, value)
  } catch (error) {
    if (error instanceof WireError) return { is: 'unknown' }
    throw error
  }
}
