import type { MillraceError } from '../platform/index.ts'
import { type PreparedRecord, ProducerBatch, type SendCall } from './producer-batch.ts'

/** Sequence numbers run from 0 to 2³¹ − 1 and begin again (KIP-98). */
const SEQUENCES = 2 ** 31

/** More than five in flight would fall out of what the broker remembers of a producer. */
const MAX_IN_FLIGHT = 5

export interface ProducerIdentity {
  producerId: bigint
  producerEpoch: number
}

/**
 * The batches of one partition on their way, in order. After a failure it *recovers*: nothing more is sent until everything in
 * flight has come back, then the batches go out again in their order, under the same sequences where the broker may have them.
 * - refused for good: the broker took nothing, so later batches are numbered anew from the refused one's sequence;
 * - outcome unknown for ever, or the broker lost the producer's state: a fresh producer id, for this partition alone.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #idempotent: boolean
  /** Closed batches not in flight, by order. */
  readonly #waiting: ProducerBatch[] = []
  readonly #inFlight: ProducerBatch[] = []
  #open: ProducerBatch | null = null
  #nextOrder = 0
  #identity: ProducerIdentity | null = null
  #formerIdentity: ProducerIdentity | null = null
  #nextSequence = 0
  #lastAcknowledgedOrder = -1
  #refused: { order: number; base: number } | null = null
  #recovering = false
  /** Nothing is sent before this moment. */
  retryAtMs = 0
  attempts = 0

  constructor(topic: string, partition: number, options: { idempotent: boolean }) {
    this.topic = topic
    this.partition = partition
    this.#idempotent = options.idempotent
  }

  get isEmpty(): boolean {
    return !this.#open && this.#waiting.length === 0 && this.#inFlight.length === 0
  }

  get inFlightCount(): number {
    return this.#inFlight.length
  }

  get needsIdentity(): boolean {
    return this.#idempotent && this.#identity === null && this.#inFlight.length === 0
  }

  /** The identity that must not be used for this partition again. */
  get formerIdentity(): ProducerIdentity | null {
    return this.#formerIdentity
  }

  /** Appends to the open batch; says how many bytes that takes up, and whether a batch was full and closed. */
  append(
    record: PreparedRecord,
    sizeBytes: number,
    call: SendCall,
    slot: number,
    batchBytes: number,
    nowMs: number,
  ): { addedBytes: number; closed: boolean } {
    const closed = this.#open !== null && this.#open.sizeBytes + sizeBytes > batchBytes
    if (closed) this.closeOpen()
    const isNew = this.#open === null
    const open = (this.#open ??= new ProducerBatch(nowMs, this.#nextOrder++))
    open.append(record, sizeBytes, call, slot)
    return { addedBytes: isNew ? open.sizeBytes : sizeBytes, closed }
  }

  closeOpen(): void {
    if (this.#open) this.#waiting.push(this.#open)
    this.#open = null
  }

  /** When the first batch may be sent: a time in the past when it may now, null when there is none. */
  readyAtMs(lingerMs: number): number | null {
    if (this.#waiting.length > 0) return this.retryAtMs
    return this.#open ? Math.max(this.retryAtMs, this.#open.createdAtMs + lingerMs) : null
  }

  /** True when the pipeline has room: in order, and never past a failure that is not yet settled. */
  get maySend(): boolean {
    if (this.#recovering && this.#inFlight.length > 0) return false
    if (!this.#idempotent) return this.#inFlight.length === 0
    if (this.#identity === null) return false
    // A retried batch goes alone: were five later ones written before it came again, the broker would not know it any more.
    const isRetry = (this.#waiting[0]?.attempts ?? 0) > 0 || this.#inFlight.some(({ attempts }) => attempts > 1)
    if (isRetry && this.#inFlight.length > 0) return false
    // The broker accepts any first sequence of a producer it does not know: until it knows this one, one at a time.
    return this.#inFlight.length < (this.#lastAcknowledgedOrder < 0 ? 1 : MAX_IN_FLIGHT)
  }

  /** The next batch, numbered, now in flight. */
  take(): ProducerBatch | null {
    if (this.#waiting.length === 0) this.closeOpen()
    if (this.#recovering) this.#renumber()
    const batch = this.#waiting.shift()
    if (!batch) return null
    if (this.#identity && batch.sequence === null) {
      batch.number({ ...this.#identity, base: this.#nextSequence })
      this.#nextSequence = (this.#nextSequence + batch.records.length) % SEQUENCES
    }
    batch.attempts++
    this.#inFlight.push(batch)
    return batch
  }

  identify(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#nextSequence = 0
    this.#lastAcknowledgedOrder = -1
    this.#refused = null
    for (const batch of this.#waiting) batch.number(null)
  }

  acknowledged(batch: ProducerBatch): void {
    this.#land(batch)
    this.#lastAcknowledgedOrder = Math.max(this.#lastAcknowledgedOrder, batch.order)
    this.attempts = 0
  }

  /** Not appended, or nobody knows: it is sent again, in its place. */
  returned(batch: ProducerBatch, retryAtMs: number): void {
    this.#land(batch)
    this.#putBack(batch)
    this.#recovering = true
    this.retryAtMs = retryAtMs
  }

  /** The broker said that it did not and will not append it. */
  refused(batch: ProducerBatch): void {
    this.#land(batch)
    if (!batch.sequence) return
    if (!this.#refused || batch.order < this.#refused.order) this.#refused = { order: batch.order, base: batch.sequence.base }
    this.#recovering = true
  }

  /** Refused as too large: its halves take its place. */
  divided(batch: ProducerBatch): { addedBytes: number } {
    this.refused(batch)
    const parts = batch.split()
    for (const part of parts) this.#putBack(part)
    return { addedBytes: parts[0].sizeBytes + parts[1].sizeBytes - batch.sizeBytes }
  }

  /** Batches from now on come from another producer id; those in flight come back first. */
  forgetIdentity(): void {
    this.#formerIdentity = this.#identity ?? this.#formerIdentity
    this.#identity = null
    this.#recovering = true
  }

  /** True when a batch before this one has not been acknowledged: then a sequence gap is its fault. */
  hasEarlier(batch: ProducerBatch): boolean {
    const isEarlier = (other: ProducerBatch): boolean => other.order < batch.order
    return this.#inFlight.some(isEarlier) || this.#waiting.some(isEarlier) || (this.#refused !== null && this.#refused.order < batch.order)
  }

  /** Takes out what was created before `createdBeforeMs` and is not in flight. One whose outcome is unknown costs the identity. */
  expire(createdBeforeMs: number): ProducerBatch[] {
    if (this.#open && this.#open.createdAtMs < createdBeforeMs) this.closeOpen()
    const expired: ProducerBatch[] = []
    while (this.#waiting[0] && this.#waiting[0].createdAtMs < createdBeforeMs) {
      const batch = this.#waiting.shift()
      if (batch) expired.push(batch)
    }
    if (expired.some((batch) => batch.sequence !== null)) this.forgetIdentity()
    return expired
  }

  /** Takes everything that is not in flight, to fail it. */
  abandon(error: MillraceError): number {
    this.closeOpen()
    let sizeBytes = 0
    for (const batch of this.#waiting.splice(0)) {
      sizeBytes += batch.sizeBytes
      batch.fail(error)
    }
    return sizeBytes
  }

  #renumber(): void {
    this.#recovering = false
    const refused = this.#refused
    this.#refused = null
    if (!refused || this.#lastAcknowledgedOrder > refused.order) return
    this.#nextSequence = refused.base
    for (const batch of this.#waiting) if (batch.order >= refused.order) batch.number(null)
  }

  #land(batch: ProducerBatch): void {
    const at = this.#inFlight.indexOf(batch)
    if (at >= 0) this.#inFlight.splice(at, 1)
  }

  #putBack(batch: ProducerBatch): void {
    let at = 0
    while (at < this.#waiting.length && (this.#waiting[at]?.order ?? 0) < batch.order) at++
    this.#waiting.splice(at, 0, batch)
  }
}
