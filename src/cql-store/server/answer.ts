import type { Response } from '../../cql-wire/index.ts'
import type { CompiledModification, Scope } from '../query/index.ts'
import type { Waiter } from '../storage/index.ts'

/** With what is to be told beside it (protocol v4 §2.2, flag 0x08). */
export type Answer = Response & { warnings?: readonly string[] }

/** A waiter that may have something else to answer than a void RESULT. */
export interface AnsweringWaiter extends Waiter {
  answer(response: Answer): void
}

/** A statement of a batch. */
export interface Step {
  modification: CompiledModification
  scope: Scope
}

export function answered(waiter: Waiter, response: Answer): void {
  if ('answer' in waiter && typeof waiter.answer === 'function') waiter.answer(response)
  else waiter.committed()
}
