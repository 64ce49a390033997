import {
  bytesAt,
  describeProblems,
  recordFailure,
  StepContext,
  type Batch,
  type FailureReason,
  type Parse,
  type RecordFailure,
} from '../../core/index.ts'
import type { ValueCodec } from '../../formats/index.ts'
import { abortReason, backoffMs, messageOf, MillraceError, type Clock } from '../../platform/index.ts'
import type { ConsumeContext, Handler, ResolvedConsumeOptions } from './options.ts'

const MAX_BACKOFF_MS = 30_000

/** What became of a record. */
export type Handled =
  | { is: 'handled' }
  /** To the last try. */
  | { is: 'failed'; failure: RecordFailure; cause: unknown; attempts: number }
  /** Given up with its partition: it is handed out again, here or elsewhere. */
  | { is: 'abandoned' }

export interface HandleRecord {
  readonly parse: Parse
  readonly values: Pick<ValueCodec, 'decode' | 'isReadyFor'>
  /** Gets what decoding the batch takes; false when the consumer ended first. */
  readonly makeReady: (batch: Batch, leaving: Leaving) => Promise<boolean>
  readonly handler: Handler<unknown>
  readonly options: Pick<ResolvedConsumeOptions, 'retries' | 'retryOn' | 'backoffMs' | 'timeoutMs'>
  readonly clock: Clock
}

export interface Leaving {
  /** No try begins any more. */
  readonly leaving: AbortSignal
  /** Tries that run are given up. */
  readonly giveUp: AbortSignal
}

/** Decodes a record, judges it by its schema and calls the handler, again with back-off as the options say. Rejects with what is no record's fault. */
export async function handleRecord(work: HandleRecord, batch: Batch, i: number, until: Leaving): Promise<Handled> {
  const { leaving, giveUp } = until
  let read = readValue(work, batch, i)
  if (!read.ok && read.reason === 'decode' && !work.values.isReadyFor(batch)) {
    // Of very many schemas some were forgotten since the batch was ready: no fault of the record's.
    if (!(await work.makeReady(batch, until))) return { is: 'abandoned' }
    read = readValue(work, batch, i)
  }
  if (!read.ok) return failed(i, read.reason, read.cause, 1)
  const { clock, options } = work
  for (let attempt = 1; ; attempt++) {
    try {
      await callHandler(work, read.value, new HandlerContext(batch, i, giveUp, attempt), giveUp)
      return { is: 'handled' }
    } catch (error) {
      if (giveUp.aborted) return { is: 'abandoned' }
      if (attempt > options.retries || !isWorthAnotherTry(error, options.retryOn)) return failed(i, 'step', error, attempt)
    }
    try {
      await clock.sleep(backoffMs(attempt - 1, { initialMs: options.backoffMs, maxMs: MAX_BACKOFF_MS }), leaving)
    } catch {
      return { is: 'abandoned' }
    }
  }
}

type Read = { ok: true; value: unknown } | { ok: false; reason: FailureReason; cause: unknown }

function readValue({ values, parse }: HandleRecord, batch: Batch, i: number): Read {
  const bytes = bytesAt(batch, batch.valueAt, i)
  if (!bytes) return { ok: false, reason: 'validate', cause: 'The record has no value (a tombstone).' }
  const decoded = values.decode(bytes)
  if (!decoded.ok) return { ok: false, reason: 'decode', cause: decoded.error }
  try {
    const parsed = parse(decoded.value)
    if (parsed.ok) return parsed
    return { ok: false, reason: 'validate', cause: describeProblems(parsed.problems) }
  } catch (error) {
    return { ok: false, reason: 'validate', cause: `The schema's check threw: ${messageOf(error)}` }
  }
}

class HandlerContext extends StepContext implements ConsumeContext {
  readonly attempt: number

  constructor(batch: Batch, record: number, giveUp: AbortSignal, attempt: number) {
    super(batch, record, giveUp)
    this.attempt = attempt
  }
}

/** A handler that hears no signal is not waited for past its time, or when its partition is given up. */
async function callHandler(work: HandleRecord, value: unknown, context: HandlerContext, giveUp: AbortSignal): Promise<void> {
  giveUp.throwIfAborted()
  const { timeoutMs } = work.options
  const over = Promise.withResolvers<never>()
  const onGiveUp = (): void => over.reject(abortReason(giveUp))
  giveUp.addEventListener('abort', onGiveUp, { once: true })
  const cancelTimer =
    timeoutMs === null
      ? null
      : work.clock.after(timeoutMs, () => {
          const error = new MillraceError('TIMED_OUT', `The handler took longer than its time-out of ${timeoutMs} ms.`)
          over.reject(error)
          context.timeOut(error)
        })
  try {
    await Promise.race([work.handler(value, context), over.promise])
  } finally {
    cancelTimer?.()
    giveUp.removeEventListener('abort', onGiveUp)
  }
}

function isWorthAnotherTry(error: unknown, retryOn: 'any' | 'retriable'): boolean {
  const says = typeof error === 'object' && error !== null && 'retriable' in error ? error.retriable : undefined
  return retryOn === 'any' ? says !== false : says === true
}

function failed(i: number, reason: FailureReason, cause: unknown, attempts: number): Handled {
  return { is: 'failed', failure: recordFailure(i, reason, stepOf[reason], cause), cause, attempts }
}

/** Where in a consumer it failed, as dead letters name it. */
const stepOf: Record<FailureReason, string> = { decode: 'source', validate: 'source', step: 'handler', sink: 'handler' }
