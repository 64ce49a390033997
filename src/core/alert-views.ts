export type AlertName =
  | 'MillraceStreamLag'
  | 'MillraceDeadLetters'
  | 'MillraceStreamStalled'
  | 'MillraceStreamStopped'
  | 'MillraceRunFailed'
  | 'MillracePartFailed'

/** Which stream, DAG or part an alert is about. */
export type AlertSubject = { stream: string } | { dag: string } | { part: string }

/** An alert that fires. Its texts hold counts, names and error codes, never values or messages of errors: they leave the machine. */
export interface AlertView {
  name: AlertName
  severity: 'warning' | 'critical'
  subject: AlertSubject
  /** `load_users: 12,000 records wait`. */
  summary: string
  /** What to do about it. */
  description: string
  /** When it began to fire, ISO 8601 UTC. */
  startsAt: string
}

export interface AlertsView {
  firing: AlertView[]
  webhook: {
    /** Of its URL, whose path may be a secret; null: no webhook is configured. */
    host: string | null
    /** Messages on their way. */
    waiting: number
    delivered: number
    failed: number
    /** Why the last attempt failed; null: it did not. */
    lastError: string | null
  }
}

/** What the receiver answered to a test message. */
export interface AlertTestView {
  host: string
  /** HTTP status; null: it did not answer, `error` says why. */
  status: number | null
  error: string | null
  /** The beginning of the answer. */
  body: string
}
