import { type RecordFailure, recordFailure, type Sink } from '../core/index.ts'
import { asMillraceError, backoffMs, MillraceError, type Clock } from '../platform/index.ts'
import type { ProcessedBatch, Row } from './process-batch.ts'
import { whileSlow } from './while-slow.ts'

/** A system that is back should not be left waiting: a try every 2 s costs little. */
export const RETRY_DELAYS = { initialMs: 100, maxMs: 2_000 } as const

export interface Persistence {
  /** The system whose silence means that it is away, as messages name it; null where a long call is just much work. */
  who: string | null
  clock: Clock
  /** Aborts the call in progress. */
  signal: AbortSignal
  /** Ends the wait between two tries: the stream stops, or the partition is given up. */
  waking: AbortSignal
  onAway(this: void, error: MillraceError): void
  onBack(this: void): void
}

export type Persisted<T> = { is: 'done'; value: T } | { is: 'abandoned' }

/**
 * Calls until the system is there (P6: nothing is skipped, back-off with jitter), however long that takes; `abandoned` once
 * `waking` aborts. Rejects with an error that trying again cannot cure.
 */
export async function persistently<T>(call: () => Promise<T>, persistence: Persistence): Promise<Persisted<T>> {
  for (let attempt = 0; ; attempt++) {
    try {
      const { who, clock, onAway } = persistence
      const value = await (who === null ? call() : whileSlow(call(), clock, who, onAway))
      persistence.onBack()
      return { is: 'done', value }
    } catch (thrown) {
      if (persistence.signal.aborted) return { is: 'abandoned' }
      const error = asMillraceError(thrown)
      if (!error.retriable) throw error
      persistence.onAway(error)
      await pause(Math.max(retryAfterMs(error), backoffMs(attempt, RETRY_DELAYS)), persistence)
      if (persistence.waking.aborted) return { is: 'abandoned' }
    }
  }
}

/** Writes a batch's rows; the rows that were refused for themselves come back as failures, in record order (P5). */
export async function writeRows(
  sink: Sink<Row>,
  sinkId: string,
  processed: ProcessedBatch,
  persistence: Persistence,
): Promise<Persisted<RecordFailure[]>> {
  const { rows, rowToRecord, batch } = processed
  if (rows.length === 0) return { is: 'done', value: [] }
  return persistently(async () => {
    const result = await sink.write(rows, batch, rowToRecord, persistence.signal)
    if (result.is === 'unavailable') throw new Unavailable(result.error, result.retryAfterMs ?? 0)
    if (result.outcomes.length !== rows.length) {
      throw new MillraceError('INTERNAL', `The sink answered ${result.outcomes.length} outcomes for ${rows.length} rows.`)
    }
    return result.outcomes.flatMap((outcome, row) =>
      outcome.is === 'refused' ? [recordFailure(rowToRecord[row] ?? row, 'sink', sinkId, outcome.error)] : [],
    )
  }, persistence)
}

/** The sink's own word for "away": always worth another try, whatever the error's code says. */
class Unavailable extends MillraceError {
  readonly retryAfterMs: number

  constructor(error: MillraceError, retryAfterMs: number) {
    super(error.code, error.message, { cause: error.cause, details: error.details, retriable: true })
    this.retryAfterMs = retryAfterMs
  }
}

function retryAfterMs(error: MillraceError): number {
  return error instanceof Unavailable ? error.retryAfterMs : 0
}

/** Ends early, without rejecting, when the stream stops. */
async function pause(ms: number, { clock, waking }: Persistence): Promise<void> {
  try {
    await clock.sleep(ms, waking)
  } catch {
    // Woken: the caller looks whether to go on.
  }
}
