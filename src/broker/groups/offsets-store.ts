import { decodeBatch, encodeBatch, readBatchHeader, WireError } from '../../kafka-wire/index.ts'
import type { Clock, Logger } from '../../platform/index.ts'
import { asBuffer, batchSizeAt } from '../log/batch-view.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import { offsetsTopic, type Topic, type Topics } from '../topics/topics.ts'
import { readOffsetsRecord, type OffsetsRecord } from './offsets-records.ts'

const readBytes = 1 << 20

/** `__consumer_offsets`: where groups and their offsets are written, and read back at start. */
export class OffsetsStore {
  readonly #topics: Topics
  readonly #config: BrokerConfig
  readonly #clock: Clock
  readonly #log: Logger

  constructor(parts: { topics: Topics; config: BrokerConfig; clock: Clock; log: Logger }) {
    this.#topics = parts.topics
    this.#config = parts.config
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** The topic, made when it is missing; null when that failed. */
  async topic(): Promise<Topic | null> {
    const existing = this.#topics.get(offsetsTopic)
    if (existing) return existing
    const segmentBytes = this.#config.text('offsets.topic.segment.bytes') ?? ''
    const created = await this.#topics.create(offsetsTopic, this.#config.number('offsets.topic.num.partitions'), {
      'cleanup.policy': 'compact',
      'segment.bytes': segmentBytes,
    })
    return created.ok ? created.topic : null
  }

  /** Writes records of one group as one batch and waits until it is synced (P1); false when that failed. */
  async write(group: string, records: readonly { key: Uint8Array; value: Uint8Array | null }[]): Promise<boolean> {
    const topic = await this.topic()
    const log = topic?.logs[partitionOf(group, topic.logs.length)]
    if (!log) return false
    const timestampMs = this.#clock.nowMs()
    const appended = log.append(encodeBatch({ records: records.map((record) => ({ ...record, timestampMs })), compression: 'none' }))
    if (!appended.ok) return false
    return (await log.visible(appended.endOffset)) === null
  }

  /** Reads everything back, oldest first. Damaged or unknown records are left out, with a log line. */
  *readAll(): Generator<Exclude<OffsetsRecord, { is: 'unknown' }>> {
    for (const log of this.#topics.get(offsetsTopic)?.logs ?? []) {
      let skipped = 0
      for (const record of recordsOf(log)) {
        if (record.is === 'unknown') skipped++
        else yield record
      }
      if (skipped > 0)
        this.#log.warn('left out records of an unknown format', { topic: log.topic, partition: log.partition, records: skipped })
    }
  }
}

function* recordsOf(log: PartitionLog): Generator<OffsetsRecord> {
  for (let offset = log.logStartOffset; offset < log.highWatermark;) {
    const read = log.read(offset, readBytes, true)
    if (!read.ok || read.records.length === 0) return
    const bytes = asBuffer(read.records)
    for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
      const header = readBatchHeader(bytes, at)
      if (!header) return
      offset = Number(header.baseOffset) + header.lastOffsetDelta + 1
      if (header.isControl) continue
      const decoded = decodeBatch(bytes, at, header)
      for (const { key, value } of decoded.ok ? decoded.records : []) yield key === null ? { is: 'unknown' } : parse(key, value)
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

/** Kafka's choice: Java's `hashCode` of the group id, made positive, modulo the number of partitions. */
export function partitionOf(group: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < group.length; i++) hash = (Math.imul(hash, 31) + group.charCodeAt(i)) | 0
  return (hash & 0x7fff_ffff) % partitions
}
