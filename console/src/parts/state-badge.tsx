import { Badge } from '@mantine/core'
import type { ReactNode } from 'react'

/** Colours of at least 4.5 : 1 with white; the word says the same as the colour. */
const colors: Readonly<Record<string, string>> = {
  ok: '#237032',
  success: '#237032',
  running: 'mill.7',
  starting: 'gray.7',
  queued: 'gray.7',
  scheduled: 'gray.7',
  none: 'gray.7',
  retrying: '#b93c08',
  up_for_retry: '#b93c08',
  deferred: 'grape.8',
  waiting: '#b93c08',
  failed: 'red.9',
  stopped: 'red.9',
  timed_out: 'red.9',
  lost: 'red.9',
  upstream_failed: 'red.9',
  cancelled: 'gray.7',
  skipped: 'gray.7',
  open: 'red.9',
  failed_again: 'red.9',
  replayed: 'mill.7',
  landed: '#237032',
  discarded: 'gray.7',
}

export function StateBadge({ state }: { state: string }): ReactNode {
  return (
    <Badge variant="filled" color={colors[state] ?? 'gray.7'} radius="sm" style={{ flexShrink: 0 }} miw="max-content">
      {state.replaceAll('_', ' ')}
    </Badge>
  )
}
