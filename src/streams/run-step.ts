import type { StepContext } from '../core/index.ts'
import { backoffMs, MillraceError, type Clock } from '../platform/index.ts'
import type { CompiledStep } from './compile-steps.ts'

/** How a step's first call ended, when it did not simply return: with a promise, or by throwing. */
export type FirstCall = { is: 'pending'; promise: PromiseLike<unknown>; context: StepContext } | { is: 'thrown'; error: unknown }

/** A step may throw any error with `retriable: true` (a MillraceError, a RetryableError): it is called again before the record is given up. */
export function isRetriable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retriable' in error && error.retriable === true
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/**
 * Goes on with a step whose first call gave a promise or threw: waits at most `timeoutMs`, calls it again with back-off as
 * its retry policy says. Rejects with the last error (TIMED_OUT included); with CANCELLED once `stopping` aborts.
 */
export async function finishStep(
  step: CompiledStep,
  value: unknown,
  first: FirstCall,
  newContext: () => StepContext,
  { clock, stopping }: { clock: Clock; stopping: AbortSignal },
): Promise<unknown> {
  let call = first
  for (let attempt = 0; ; attempt++) {
    try {
      if (call.is === 'thrown') throw call.error
      return await withinTime(step, call.promise, call.context, clock)
    } catch (error) {
      stopping.throwIfAborted()
      if (attempt >= step.retry.retries || !isRetriable(error)) throw error
      await clock.sleep(backoffMs(attempt, { initialMs: step.retry.delayMs, maxMs: step.retry.maxDelayMs }), stopping)
      call = callStep(step, value, newContext())
    }
  }
}

function callStep(step: CompiledStep, value: unknown, context: StepContext): FirstCall {
  try {
    const result = step.fn(value, context)
    return { is: 'pending', promise: isThenable(result) ? result : Promise.resolve(result), context }
  } catch (error) {
    return { is: 'thrown', error }
  }
}

async function withinTime(step: CompiledStep, promise: PromiseLike<unknown>, context: StepContext, clock: Clock): Promise<unknown> {
  const { timeoutMs } = step
  if (timeoutMs === null) return promise
  let cancelTimer: (() => void) | null = null
  const late = new Promise<never>((_, reject) => {
    cancelTimer = clock.after(timeoutMs, () => {
      const error = new MillraceError('TIMED_OUT', `Step "${step.id}" took longer than its time-out of ${timeoutMs} ms.`)
      reject(error)
      context.timeOut(error)
    })
  })
  return Promise.race([promise, late]).finally(() => cancelTimer?.())
}
