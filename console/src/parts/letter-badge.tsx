import type { ReactNode } from 'react'
import type { DeadLetter } from '../api/types.ts'
import { StateBadge } from './state-badge.tsx'

/** Where a letter stands: one that is open though its record was replayed has failed again. */
export function LetterBadge({ of: { state, replays } }: { of: Pick<DeadLetter, 'state' | 'replays'> }): ReactNode {
  return <StateBadge state={state === 'open' && replays > 0 ? 'failed_again' : state} />
}
