/** What became of an alert so far; null: its cause is not there, and nobody was told otherwise. */
export type AlertState =
  | { readonly is: 'pending'; readonly sinceMs: number }
  | {
      readonly is: 'firing'
      readonly startsMs: number
      /** Since when its cause is gone; null: it is there. */
      readonly goneSinceMs: number | null
      /** When a message was last handed over for delivery. */
      readonly toldMs: number
    }

export interface AlertTimes {
  /** How long the cause has to be there before it fires. */
  readonly forMs: number
  /** How long the cause has to be gone before it is resolved. */
  readonly resolveAfterMs: number
  readonly repeatEveryMs: number
}

export interface AlertStep {
  readonly state: AlertState | null
  readonly tell: { readonly status: 'firing' } | { readonly status: 'resolved'; readonly startsMs: number } | null
}

/**
 * ok → pending → firing → ok, one message as it fires, one as it is resolved, and one again each `repeatEveryMs` while the cause is
 * there. A cause that comes and goes within `resolveAfterMs` is one alert. All times in milliseconds since 1970.
 * @param holds whether the cause is there; null: nobody can tell now, and nothing changes
 */
export function stepAlert(state: AlertState | null, holds: boolean | null, nowMs: number, times: AlertTimes): AlertStep {
  if (state?.is === 'firing') return stepFiring(state, holds, nowMs, times)
  if (holds === null) return { state, tell: null }
  if (!holds) return { state: null, tell: null }
  const sinceMs = state?.sinceMs ?? nowMs
  if (nowMs - sinceMs < times.forMs) return { state: { is: 'pending', sinceMs }, tell: null }
  return { state: { is: 'firing', startsMs: nowMs, goneSinceMs: null, toldMs: nowMs }, tell: { status: 'firing' } }
}

function stepFiring(
  state: Extract<AlertState, { is: 'firing' }>,
  holds: boolean | null,
  nowMs: number,
  { resolveAfterMs, repeatEveryMs }: AlertTimes,
): AlertStep {
  if (holds === null) return { state, tell: null }
  if (holds) {
    const isDue = nowMs - state.toldMs >= repeatEveryMs
    return {
      state: { ...state, goneSinceMs: null, toldMs: isDue ? nowMs : state.toldMs },
      tell: isDue ? { status: 'firing' } : null,
    }
  }
  const goneSinceMs = state.goneSinceMs ?? nowMs
  if (nowMs - goneSinceMs < resolveAfterMs) return { state: { ...state, goneSinceMs }, tell: null }
  return { state: null, tell: { status: 'resolved', startsMs: state.startsMs } }
}
