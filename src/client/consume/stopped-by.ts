import type { RecordFailure } from '../../core/index.ts'
import { MillraceError, type ErrorCode } from '../../platform/index.ts'

const codes = {
  decode: 'RECORD_DECODE',
  validate: 'RECORD_INVALID',
  step: 'RECORD_STEP',
  sink: 'RECORD_REFUSED',
} as const satisfies Record<RecordFailure['reason'], ErrorCode>

export interface StoppedBy {
  group: string
  at: { topic: string; partition: number; offset: bigint }
  failure: RecordFailure
  cause: unknown
  attempts: number
}

/** A record that failed to the last where there is no dead-letter topic: what it was, and how to go on. */
export function stoppedBy({ group, at, failure, cause, attempts }: StoppedBy): MillraceError {
  const place = `${at.topic}/${at.partition} offset ${at.offset}`
  const tries = attempts > 1 ? ` (${attempts} tries)` : ''
  return new MillraceError(
    codes[failure.reason],
    `Consumer group "${group}" stopped at ${place}: the record failed${tries}: ${failure.message} ` +
      'Nothing is lost: the group goes on there. Mend the handler, or set deadLetters to have such records put aside.',
    { cause, details: { group, topic: at.topic, partition: at.partition, offset: String(at.offset), reason: failure.reason } },
  )
}
