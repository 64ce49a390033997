import { type Compression, encodeBatch } from '../kafka-wire/index.ts'
import type { MillraceError } from '../platform/index.ts'
import type { RecordHeader } from './batch.ts'

export interface Acknowledged {
  topic: string
  partition: number
  /** −1 when the broker only knows that it has the record already. */
  offset: bigint
}

export interface PreparedRecord {
  key: Uint8Array | null
  value: Uint8Array | null
  headers: RecordHeader[]
  timestampMs: number
}

/** One call of `send`: settles once, when all its records are acknowledged or the first of them failed for good. */
export class SendCall {
  readonly acknowledged: Acknowledged[]
  readonly promise: Promise<Acknowledged[]>
  #remaining: number
  #hasFailed = false
  #resolve: (acknowledged: Acknowledged[]) => void = () => undefined
  #reject: (error: MillraceError) => void = () => undefined

  constructor(recordCount: number) {
    this.#remaining = recordCount
    this.acknowledged = Array.from<Acknowledged>({ length: recordCount })
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (recordCount === 0) this.#resolve([])
  }

  acknowledge(slot: number, topic: string, partition: number, offset: bigint): void {
    this.acknowledged[slot] = { topic, partition, offset }
    if (--this.#remaining === 0) this.#resolve(this.acknowledged)
  }

  get hasFailed(): boolean {
    return this.#hasFailed
  }

  fail(error: MillraceError): void {
    this.#hasFailed = true
    this.#reject(error)
  }
}

/** What makes a retry recognisable to the broker (KIP-98): kept until the batch is acknowledged. */
export interface BatchSequence {
  producerId: bigint
  producerEpoch: number
  base: number
}

/** Rough cost of a record beyond its key and value: lengths, deltas, attributes. */
const RECORD_OVERHEAD_BYTES = 12
const BATCH_OVERHEAD_BYTES = 61

export function sizeOfRecord(record: PreparedRecord): number {
  let sizeBytes = RECORD_OVERHEAD_BYTES + (record.key?.byteLength ?? 0) + (record.value?.byteLength ?? 0)
  for (const { key, value } of record.headers) sizeBytes += 4 + key.length * 3 + (value?.byteLength ?? 0)
  return sizeBytes
}

/** Records of one partition that travel together. */
export class ProducerBatch {
  readonly records: PreparedRecord[] = []
  readonly createdAtMs: number
  /** Rises within the partition; halves of a split batch lie in [order, order + width). */
  readonly order: number
  readonly width: number
  sizeBytes = BATCH_OVERHEAD_BYTES
  sequence: BatchSequence | null = null
  attempts = 0
  readonly #calls: SendCall[] = []
  readonly #slots: number[] = []
  #encoded: Uint8Array | null = null

  constructor(createdAtMs: number, order: number, width = 1) {
    this.createdAtMs = createdAtMs
    this.order = order
    this.width = width
  }

  append(record: PreparedRecord, sizeBytes: number, call: SendCall, slot: number): void {
    this.records.push(record)
    this.#calls.push(call)
    this.#slots.push(slot)
    this.sizeBytes += sizeBytes
  }

  /** The record batch as sent; the same bytes at every retry with the same sequence. */
  encoded(compression: Compression, isTransactional = false): Uint8Array {
    this.#encoded ??= encodeBatch({
      records: this.records,
      compression,
      isTransactional,
      producerId: this.sequence?.producerId ?? -1n,
      producerEpoch: this.sequence?.producerEpoch ?? -1,
      baseSequence: this.sequence?.base ?? -1,
    })
    return this.#encoded
  }

  number(sequence: BatchSequence | null): void {
    this.sequence = sequence
    this.#encoded = null
  }

  acknowledge(topic: string, partition: number, baseOffset: bigint): void {
    for (const [i, call] of this.#calls.entries()) {
      call.acknowledge(this.#slots[i] ?? 0, topic, partition, baseOffset < 0n ? -1n : baseOffset + BigInt(i))
    }
  }

  fail(error: MillraceError): void {
    for (const call of new Set(this.#calls)) call.fail(error)
  }

  /** Two batches of half the records each, for a broker that found this one too large. */
  split(): [ProducerBatch, ProducerBatch] {
    const half = this.width / 2
    const parts: [ProducerBatch, ProducerBatch] = [
      new ProducerBatch(this.createdAtMs, this.order, half),
      new ProducerBatch(this.createdAtMs, this.order + half, half),
    ]
    const middle = Math.ceil(this.records.length / 2)
    for (const [i, record] of this.records.entries()) {
      const call = this.#calls[i]
      if (call) parts[i < middle ? 0 : 1].append(record, sizeOfRecord(record), call, this.#slots[i] ?? 0)
    }
    return parts
  }
}
