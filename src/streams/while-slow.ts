import { MillraceError, type Clock } from '../platform/index.ts'

/** Clients try for long before they say that a system is away; a person should not wait that long to be told. */
const SLOW_MS = 3_000

/** The call's own result; `onSlow` is told once when it takes longer than 3 s. */
export async function whileSlow<T>(call: Promise<T>, clock: Clock, who: string, onSlow: (error: MillraceError) => void): Promise<T> {
  const cancelTimer = clock.after(SLOW_MS, () =>
    onSlow(new MillraceError('TIMED_OUT', `${who} has not answered for ${SLOW_MS / 1_000} s.`)),
  )
  try {
    return await call
  } finally {
    cancelTimer()
  }
}
