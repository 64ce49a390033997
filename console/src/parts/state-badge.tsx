import { Badge } from '@mantine/core'
import type { ReactNode } from 'react'

/** Colours of at least 4.5 : 1 with white; the word says the same as the colour. */
const colors: Readonly<Record<string, string>> = {
  ok: 'green.9',
  success: 'green.9',
  running: 'mill.7',
  starting: 'gray.7',
  queued: 'gray.7',
  scheduled: 'gray.7',
  none: 'gray.7',
  retrying: 'orange.9',
  up_for_retry: 'orange.9',
  deferred: 'grape.8',
  waiting: 'orange.9',
  failed: 'red.8',
  stopped: 'red.8',
  timed_out: 'red.8',
  lost: 'red.8',
  upstream_failed: 'red.8',
  cancelled: 'gray.7',
  skipped: 'gray.7',
}

export function StateBadge({ state }: { state: string }): ReactNode {
  return (
    <Badge variant="filled" color={colors[state] ?? 'gray.7'} radius="sm" style={{ flexShrink: 0 }} miw="max-content">
      {state.replaceAll('_', ' ')}
    </Badge>
  )
}
