import { messageOf, MillraceError } from '../platform/errors.ts'

/** At which stage a record failed: its bytes, its content, one of the stream's functions, its write. */
export type FailureReason = 'decode' | 'validate' | 'step' | 'sink'

/** Why one record becomes a dead letter (P5). */
export interface RecordFailure {
  /** Index in the batch. */
  record: number
  reason: FailureReason
  /** Id of the node where it failed. */
  step: string
  message: string
  /** Class of what was thrown, or the error's code. */
  errorClass: string
  stack: string | null
}

const MAX_MESSAGE_CHARS = 2_000
const MAX_STACK_CHARS = 4_000

export function recordFailure(record: number, reason: FailureReason, step: string, cause: unknown): RecordFailure {
  const isThrown = cause instanceof Error && !(cause instanceof MillraceError)
  return {
    record,
    reason,
    step,
    message: messageOf(cause).slice(0, MAX_MESSAGE_CHARS),
    errorClass: cause instanceof MillraceError ? cause.code : cause instanceof Error ? cause.name : defaultClass[reason],
    stack: isThrown ? (cause.stack?.slice(0, MAX_STACK_CHARS) ?? null) : null,
  }
}

const defaultClass: Record<FailureReason, string> = {
  decode: 'RECORD_DECODE',
  validate: 'RECORD_INVALID',
  step: 'RECORD_STEP',
  sink: 'RECORD_REFUSED',
}
