import { bytesAt, type Batch, type Header } from './batch.ts'
import type { RecordContext } from './loaded.ts'

/** What a step, or a handler, is told of its record. Everything is read from the batch when asked for: most steps ask for nothing. */
export class StepContext implements RecordContext {
  readonly #batch: Batch
  readonly #record: number
  readonly #stopping: AbortSignal
  #timedOut: AbortController | null = null
  #signal: AbortSignal | null = null

  constructor(batch: Batch, record: number, stopping: AbortSignal) {
    this.#batch = batch
    this.#record = record
    this.#stopping = stopping
  }

  get topic(): string {
    return this.#batch.topic
  }

  get partition(): number {
    return this.#batch.partition
  }

  get offset(): bigint {
    return this.#batch.offsets[this.#record] ?? -1n
  }

  get timestampMs(): number {
    return this.#batch.timestampMs[this.#record] ?? -1
  }

  get key(): Uint8Array | null {
    return bytesAt(this.#batch, this.#batch.keyAt, this.#record)
  }

  headers(): Header[] {
    return this.#batch.headers(this.#record)
  }

  get signal(): AbortSignal {
    if (this.#signal) return this.#signal
    this.#timedOut = new AbortController()
    this.#signal = AbortSignal.any([this.#stopping, this.#timedOut.signal])
    return this.#signal
  }

  /** Aborts `signal`, if the step has asked for it. */
  timeOut(reason: Error): void {
    this.#timedOut?.abort(reason)
  }
}
