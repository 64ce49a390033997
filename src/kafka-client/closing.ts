import type { Clock } from '../platform/index.ts'

export interface CloseOptions {
  /** How long it may take at most. Default 5,000. */
  timeoutMs?: number
}

export const CLOSE_TIMEOUT_MS = 5_000

/** Resolves when `work` has settled (true) or the time has come (false), whichever is first; never rejects. */
export async function settledBy(work: Promise<unknown>, deadlineMs: number, clock: Clock): Promise<boolean> {
  const waiting = new AbortController()
  const timer = clock.sleep(Math.max(0, deadlineMs - clock.monotonicMs()), waiting.signal).then(
    () => false,
    () => true,
  )
  const settled = work.then(
    () => true,
    () => true,
  )
  const inTime = await Promise.race([settled, timer])
  waiting.abort()
  return inTime
}
