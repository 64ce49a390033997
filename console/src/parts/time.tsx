import { Text, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' })

/** A moment in the reader's own zone; in UTC for who points at it. */
export function Time({ at, size = 'sm' }: { at: string | null; size?: string }): ReactNode {
  if (at === null)
    return (
      <Text span size={size} c="dimmed">
        none
      </Text>
    )
  return (
    <Tooltip label={`${at} (UTC)`}>
      <Text span size={size} component="time" dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {local.format(new Date(at))}
      </Text>
    </Tooltip>
  )
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min`. */
export function duration(ms: number): string {
  const seconds = ms / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
