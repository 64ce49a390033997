import { Button, Checkbox, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import type { DeadLetter } from '../../api/types.ts'
import { count } from '../../parts/count.ts'
import { openLetters, type LetterFilter } from './letters.ts'
import type { Order, Verb, Wanted } from './settling.ts'

interface SettleBarProps {
  readonly filter: LetterFilter
  /** Those that are shown and open. */
  readonly open: readonly DeadLetter[]
  readonly chosen: readonly DeadLetter[]
  readonly onChoose: (letters: readonly DeadLetter[]) => void
  readonly onOrder: (order: Order) => void
}

/** Acts on many: on the chosen, or on all that match the filter, those that are not shown yet among them. */
export function SettleBar({ filter, open, chosen, onChoose, onOrder }: SettleBarProps): ReactNode {
  if (filter.state === 'replayed' || filter.state === 'discarded') return null
  const verbs: readonly Verb[] = ['replay', 'discard']
  const label = { replay: 'Replay', discard: 'Discard' }
  const byFilter: Wanted = { what: describe(filter), find: (onFound, signal) => openLetters(filter, onFound, signal) }
  const byChoice: Wanted = { what: `the ${count(chosen.length)} chosen`, find: () => Promise.resolve([...chosen]) }
  return (
    <Group gap="sm">
      <Checkbox
        label="Choose all that are shown"
        checked={open.length > 0 && chosen.length === open.length}
        indeterminate={chosen.length > 0 && chosen.length < open.length}
        disabled={open.length === 0}
        onChange={() => onChoose(chosen.length === open.length ? [] : open)}
      />
      {chosen.length === 0
        ? null
        : verbs.map((verb) => (
            <Button
              key={verb}
              size="xs"
              {...(verb === 'discard' ? { color: 'red.9' } : {})}
              onClick={() => onOrder({ verb, wanted: byChoice })}
            >
              {label[verb]} the {count(chosen.length)} chosen
            </Button>
          ))}
      {verbs.map((verb) => (
        <Button key={`${verb} all`} size="xs" variant="default" onClick={() => onOrder({ verb, wanted: byFilter })}>
          {label[verb]} all that match
        </Button>
      ))}
    </Group>
  )
}

function describe({ streams, state, reason, since }: LetterFilter): string {
  const parts = [
    `all ${state === 'failed-again' ? 'that failed again' : 'open ones'} of ${streams.join(', ')}`,
    reason === undefined ? null : `with reason ${reason}`,
    since === undefined ? null : /^\d+[mhd]$/.test(since) ? `of the last ${since}` : `since ${since}`,
  ]
  return parts.filter((part) => part !== null).join(' ')
}
