import { Button, Group, Stack, Text } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { pathOf } from '../../api/client.ts'
import { useEvents } from '../../api/events.ts'
import type { RecordView } from '../../api/types.ts'
import { count } from '../../parts/count.ts'
import { Empty } from '../../parts/page.tsx'
import { RecordRows } from '../../parts/record-rows.tsx'

const kept = 2_000

interface Seen {
  /** Newest first. */
  readonly records: readonly RecordView[]
  readonly seen: number
  readonly shown: number
}

const nothing: Seen = { records: [], seen: 0, shown: 0 }

/** New records as they come. A fast topic is sampled, and that is said. */
export function LiveRecords({ topic }: { topic: string }): ReactNode {
  const [state, setState] = useState<Seen>(nothing)
  const [isPaused, setPaused] = useState(false)
  const connection = useEvents(
    isPaused ? null : `/topics${pathOf(topic)}/tail`,
    {
      records: (some: { records: RecordView[]; seen: number; shown: number }) =>
        setState((before) => ({
          records: [...some.records.toReversed(), ...before.records].slice(0, kept),
          seen: before.seen + some.seen,
          shown: before.shown + some.shown,
        })),
    },
    { isEndless: true },
  )
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Button size="xs" variant="default" onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </Button>
        <Button size="xs" variant="default" onClick={() => setState(nothing)}>
          Clear
        </Button>
        <Text size="sm" role="status" data-testid="live-state">
          {isPaused ? 'paused' : connection} · {count(state.seen)} came
          {state.shown < state.seen ? `, a sample of ${count(state.shown)} is shown` : ''}
        </Text>
      </Group>
      {state.records.length === 0 ? (
        <Empty title="Nothing new yet">What is produced from now on appears here.</Empty>
      ) : (
        <RecordRows topic={topic} records={state.records} label={`New records of ${topic}`} />
      )}
    </Stack>
  )
}
