import { abortReason } from '../platform/index.ts'

/** Throws the signal's reason as a MillraceError (CANCELLED unless the reason is an error of its own) when it has aborted. */
export function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortReason(signal)
}
