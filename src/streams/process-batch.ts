import {
  type Batch,
  bytesAt,
  describeProblems,
  type FailureReason,
  keyHash,
  recordFailure,
  type RecordFailure,
  recordKey,
  StepContext,
} from '../core/index.ts'
import { messageOf, MillraceError, type Clock } from '../platform/index.ts'
import type { CompiledStep, CompiledStream } from './compile-steps.ts'
import { keyMatches } from './record-keys.ts'
import { finishStep, isRetriable, isThenable, type FirstCall } from './run-step.ts'
import type { TimeSlice } from './time-slice.ts'
import { assignWriteTimes, replayedWriteTimes, timeProblem } from './write-times.ts'

export type Row = Record<string, unknown>

/** What a batch became: every record is a row, filtered, or a failure (P5). */
export interface ProcessedBatch {
  batch: Batch
  /** In record order. */
  rows: Row[]
  /** Index in `batch` of each row's record. */
  rowToRecord: Uint32Array
  /** In record order. */
  failures: RecordFailure[]
  filtered: number
  /** Write time of the last record, µs: the next batch's `previous`. */
  lastWriteMicros: number
}

export interface ProcessingEnvironment {
  clock: Clock
  slice: TimeSlice
  /** Gives up steps that are still pending: the batch rejects with the signal's reason, nothing of it is kept. */
  stopping: AbortSignal
}

/** Records with the same key go through the same lane, one after another; lanes run beside each other. */
const LANES = 16
const RECORDS_BETWEEN_LOOKS_AT_THE_CLOCK = 32

/**
 * Runs a batch through a stream: write times, decode, validate, steps. Touches neither broker nor table. Synchronous steps
 * run without an await per record; a record whose step is pending holds up only those with its key (and its lane).
 * A record that fails is a failure of its own, never of the batch (P6).
 * @param previous last write time given in this partition, µs (P2)
 */
export async function processBatch(
  stream: CompiledStream,
  batch: Batch,
  previous: number,
  environment: ProcessingEnvironment,
): Promise<ProcessedBatch> {
  environment.stopping.throwIfAborted()
  const nowMs = environment.clock.nowMs()
  const isReplayed = batch.topic !== stream.topic.name
  const timeProblems = isReplayed ? replayedWriteTimes(batch, nowMs) : null
  const lastWriteMicros = isReplayed ? previous : assignWriteTimes(batch, previous, nowMs)
  const timeProblemOf = (i: number): string | null =>
    timeProblems ? (timeProblems[i] ?? null) : timeProblem(batch.timestampMs[i] ?? -1, nowMs)
  const run = new BatchRun(stream, batch, timeProblemOf, environment)
  await run.all()
  return { batch, ...run.result(), lastWriteMicros }
}

const filtered = Symbol('filtered')
const failed = Symbol('failed')
type Ended = typeof filtered | typeof failed

class BatchRun {
  readonly #stream: CompiledStream
  readonly #batch: Batch
  readonly #timeProblem: (i: number) => string | null
  readonly #environment: ProcessingEnvironment
  readonly #outcomes: (Row | Ended)[]
  readonly #failures: RecordFailure[] = []
  readonly #lanes = new Map<number, Promise<void>>()

  constructor(stream: CompiledStream, batch: Batch, timeProblemOf: (i: number) => string | null, environment: ProcessingEnvironment) {
    this.#stream = stream
    this.#batch = batch
    this.#timeProblem = timeProblemOf
    this.#environment = environment
    this.#outcomes = Array.from({ length: batch.count }, () => failed)
  }

  async all(): Promise<void> {
    const { count } = this.#batch
    for (let i = 0; i < count; i++) {
      if (this.#lanes.size > 0) this.#inLane(i)
      else {
        const pending = this.#record(i)
        if (pending) this.#open(this.#laneOf(i), pending)
      }
      if (i % RECORDS_BETWEEN_LOOKS_AT_THE_CLOCK === 0 && this.#environment.slice.isOver()) await this.#environment.slice.yield()
    }
    if (this.#lanes.size > 0) await orAborted(Promise.all(this.#lanes.values()), this.#environment.stopping)
  }

  result(): { rows: Row[]; rowToRecord: Uint32Array; failures: RecordFailure[]; filtered: number } {
    const rows: Row[] = []
    const rowToRecord = new Uint32Array(this.#batch.count)
    let filteredCount = 0
    for (const [i, outcome] of this.#outcomes.entries()) {
      if (outcome === filtered) filteredCount++
      else if (outcome !== failed) {
        rowToRecord[rows.length] = i
        rows.push(outcome)
      }
    }
    this.#failures.sort((a, b) => a.record - b.record)
    return { rows, rowToRecord: rowToRecord.subarray(0, rows.length), failures: this.#failures, filtered: filteredCount }
  }

  #laneOf(i: number): number {
    return keyHash(this.#batch, i) % LANES
  }

  #inLane(i: number): void {
    const lane = this.#laneOf(i)
    const before = this.#lanes.get(lane)
    const pending = before ? before.then(() => this.#later(i)) : this.#record(i)
    if (pending) this.#open(lane, pending)
  }

  #open(lane: number, pending: Promise<void>): void {
    this.#lanes.set(lane, pending)
    pending.catch(() => {}) // seen by `all`, which awaits the lanes; a batch given up awaits nothing more
  }

  async #later(i: number): Promise<void> {
    this.#environment.stopping.throwIfAborted()
    if (this.#environment.slice.isOver()) await this.#environment.slice.yield()
    await this.#record(i)
  }

  /** Undefined when the record is done; a promise when one of its steps is pending. */
  #record(i: number): Promise<void> | undefined {
    const value = this.#admit(i)
    if (value === failed) return undefined
    if (this.#stream.steps.length > 0) return this.#steps(i, value, 0)
    this.#end(i, value)
    return undefined
  }

  /** The record's value as its schema types it, or `failed`. */
  #admit(i: number): unknown {
    const { sourceId, codec, parse, topic } = this.#stream
    const batch = this.#batch
    const problem = this.#timeProblem(i)
    if (problem !== null) return this.#fail(i, 'validate', sourceId, problem)
    const keyStart = batch.keyAt[2 * i] ?? -1
    if (keyStart < 0)
      return this.#fail(i, 'validate', sourceId, `The record has no key; topic "${topic.name}" is keyed by ${topic.key.join(', ')}.`)
    const bytes = bytesAt(batch, batch.valueAt, i)
    if (!bytes) return this.#fail(i, 'validate', sourceId, 'The record has no value (a tombstone): this stream deletes no rows.')
    const decoded = codec.decode(bytes)
    if (!decoded.ok) return this.#fail(i, 'decode', sourceId, decoded.error)
    const parsed = guarded(() => parse(decoded.value))
    if (!parsed.ok) return this.#fail(i, 'validate', sourceId, parsed.error)
    if (!parsed.value.ok) return this.#fail(i, 'validate', sourceId, describeProblems(parsed.value.problems))
    const value = parsed.value.value
    if (!isRow(value)) return this.#fail(i, 'validate', sourceId, 'The value is not an object.')
    const key = recordKey(topic.key, value)
    if (!key.ok) return this.#fail(i, 'validate', sourceId, `Key field "${key.field}" of the value is null or missing.`)
    if (key.key !== null && !keyMatches(batch.bytes, keyStart, batch.keyAt[2 * i + 1] ?? keyStart, key.key)) {
      return this.#fail(
        i,
        'validate',
        sourceId,
        `The record's key is not the one its value says, "${key.key}": the order of that row's versions would be lost.`,
      )
    }
    return value
  }

  /** The steps from index `from` on. */
  #steps(i: number, start: unknown, from: number): Promise<void> | undefined {
    const { steps } = this.#stream
    let value = start
    const context = this.#context(i)
    for (let s = from; s < steps.length; s++) {
      const step = steps[s]
      if (!step) break
      let result: unknown
      try {
        result = step.fn(value, context)
      } catch (error) {
        if (step.retry.retries > 0 && isRetriable(error)) return this.#finish(i, value, s, step, { is: 'thrown', error })
        this.#fail(i, reasonOf(step), step.id, error)
        return undefined
      }
      if (isThenable(result)) return this.#finish(i, value, s, step, { is: 'pending', promise: result, context })
      const next = this.#judge(i, step, value, result)
      if (next === filtered || next === failed) return undefined
      value = next
    }
    this.#end(i, value)
    return undefined
  }

  async #finish(i: number, value: unknown, s: number, step: CompiledStep, first: FirstCall): Promise<void> {
    let result: unknown
    try {
      result = await finishStep(step, value, first, () => this.#context(i), this.#environment)
    } catch (error) {
      this.#environment.stopping.throwIfAborted()
      this.#fail(i, reasonOf(step), step.id, error)
      return
    }
    const next = this.#judge(i, step, value, result)
    if (next !== filtered && next !== failed) await this.#steps(i, next, s + 1)
  }

  /** What a step's result means: the value to go on with, or the record's end. */
  #judge(i: number, step: CompiledStep, value: unknown, result: unknown): unknown {
    switch (step.is) {
      case 'map':
        return result === undefined
          ? this.#fail(i, 'step', step.id, `Step "${step.id}" returned nothing; a map returns the new value.`)
          : result
      case 'each':
        return value
      case 'filter':
        if (result) return value
        this.#outcomes[i] = filtered
        return filtered
      default:
        if (result === true || result === undefined || result === null) return value
        return this.#fail(i, 'validate', step.id, typeof result === 'string' ? result : `The record did not pass step "${step.id}".`)
    }
  }

  #end(i: number, value: unknown): void {
    if (isRow(value)) this.#outcomes[i] = value
    else
      this.#fail(
        i,
        'step',
        this.#stream.sinkId,
        `The steps gave ${value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`}; a row is an object with the table's columns.`,
      )
  }

  #context(i: number): StepContext {
    return new StepContext(this.#batch, i, this.#environment.stopping)
  }

  #fail(i: number, reason: FailureReason, step: string, cause: unknown): typeof failed {
    this.#failures.push(recordFailure(i, reason, step, cause))
    return failed
  }
}

function reasonOf(step: CompiledStep): FailureReason {
  return step.is === 'validate' ? 'validate' : 'step'
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A schema may hold its author's code (refinements), which may throw. */
function guarded<T>(parse: () => T): { ok: true; value: T } | { ok: false; error: MillraceError } {
  try {
    return { ok: true, value: parse() }
  } catch (error) {
    return { ok: false, error: new MillraceError('RECORD_INVALID', `The schema's check threw: ${messageOf(error)}`, { cause: error }) }
  }
}

/** Rejects with the signal's reason when it aborts first: a step that hears no signal cannot hold up a stop. */
async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const settled = new AbortController()
  await new Promise<void>((resolve, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: settled.signal })
    work.then(() => resolve(), reject)
  }).finally(() => settled.abort())
}
