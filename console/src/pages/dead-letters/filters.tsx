import { Button, Group, Select } from '@mantine/core'
import type { ReactNode } from 'react'
import { count } from '../../parts/count.ts'
import { letterStates, type LetterSlice, type LetterState } from './letters.ts'

/** What the page keeps in the URL. */
export interface LetterSearch {
  readonly stream?: string
  readonly reason?: string
  readonly state?: string
  readonly since?: string
  readonly letter?: string
}

interface FiltersProps {
  readonly search: LetterSearch
  readonly state: LetterState
  readonly streams: readonly string[]
  /** Null until they are known. */
  readonly found: Pick<LetterSlice, 'counts' | 'reasons'> | null
  readonly onChange: (change: LetterSearch) => void
}

const times = [
  { value: '15m', label: 'last 15 minutes' },
  { value: '1h', label: 'last hour' },
  { value: '24h', label: 'last 24 hours' },
  { value: '7d', label: 'last 7 days' },
]

/** State with its counts, stream, reason, time of the record. */
export function Filters({ search, state, streams, found, onChange }: FiltersProps): ReactNode {
  const { reason, since } = search
  const reasons = found?.reasons.map((each) => ({ value: each.reason, label: `${each.reason} (${count(each.count)})` })) ?? []
  return (
    <>
      <Group gap="xs" role="group" aria-label="State">
        {letterStates.map((each) => (
          <Button
            key={each}
            size="compact-sm"
            variant={each === state ? 'filled' : 'default'}
            aria-pressed={each === state}
            onClick={() => onChange({ state: each === 'open' ? '' : each, reason: '' })}
            data-testid={`state-${each}`}
          >
            {each.replace('-', ' ')}
            {found === null ? '' : ` ${count(countOf(each, found.counts))}`}
          </Button>
        ))}
      </Group>
      <Group gap="sm" align="end">
        <Choice
          label="Stream"
          placeholder="all"
          data={streams.map((each) => ({ value: each, label: each }))}
          value={search.stream}
          onChange={(stream) => onChange({ stream, reason: '' })}
        />
        <Choice label="Reason" placeholder="any" data={reasons} value={reason} onChange={(to) => onChange({ reason: to })} />
        <Choice label="Time of the record" placeholder="any" data={times} value={since} onChange={(to) => onChange({ since: to })} />
      </Group>
    </>
  )
}

interface ChoiceProps {
  readonly label: string
  readonly placeholder: string
  readonly data: readonly { readonly value: string; readonly label: string }[]
  readonly value: string | undefined
  /** '': none of them. */
  readonly onChange: (value: string) => void
}

/** One of some, or all; what the URL says is offered, whatever it is. */
function Choice({ label, placeholder, data, value, onChange }: ChoiceProps): ReactNode {
  const offered = value === undefined || data.some((each) => each.value === value) ? data : [...data, { value, label: value }]
  return (
    <Select
      label={label}
      w={{ base: 165, sm: 210 }}
      clearable
      clearButtonProps={{ 'aria-label': `${label}: ${placeholder}` }}
      placeholder={placeholder}
      data={[...offered]}
      value={value ?? null}
      onChange={(to) => onChange(to ?? '')}
    />
  )
}

export function countOf(state: LetterState, { open, replayed, discarded, failedAgain }: LetterSlice['counts']): number {
  return { open, 'failed-again': failedAgain, replayed, discarded, all: open + replayed + discarded }[state]
}
