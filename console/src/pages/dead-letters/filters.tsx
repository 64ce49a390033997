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
        <Select
          label="Stream"
          w={{ base: 165, sm: 200 }}
          clearable
          clearButtonProps={{ 'aria-label': 'All streams' }}
          placeholder="all"
          data={[...streams]}
          value={search.stream ?? null}
          onChange={(value) => onChange({ stream: value ?? '', reason: '' })}
        />
        <Select
          label="Reason"
          w={{ base: 165, sm: 200 }}
          clearable
          clearButtonProps={{ 'aria-label': 'Any reason' }}
          placeholder="any"
          data={withOwn(reasons, reason)}
          value={reason ?? null}
          onChange={(value) => onChange({ reason: value ?? '' })}
        />
        <Select
          label="Time of the record"
          w={{ base: 165, sm: 220 }}
          clearable
          clearButtonProps={{ 'aria-label': 'Any time' }}
          placeholder="any"
          data={withOwn(times, since)}
          value={since ?? null}
          onChange={(value) => onChange({ since: value ?? '' })}
        />
      </Group>
    </>
  )
}

export function countOf(state: LetterState, { open, replayed, discarded, failedAgain }: LetterSlice['counts']): number {
  return { open, 'failed-again': failedAgain, replayed, discarded, all: open + replayed + discarded }[state]
}

/** What the URL says is offered, whatever it is. */
function withOwn(data: { value: string; label: string }[], own: string | undefined): { value: string; label: string }[] {
  return own === undefined || data.some(({ value }) => value === own) ? data : [...data, { value: own, label: own }]
}
