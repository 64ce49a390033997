import { Box, Paper, Text, UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Flow, Status } from '../../api/types.ts'
import { useLive } from '../../api/live.tsx'
import { count, counted } from '../../parts/count.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

/** A stop on the way of a record. */
export type Station = { is: 'source' } | { is: 'topic'; name: string } | { is: 'stream'; name: string } | { is: 'table'; name: string }

/** Source → topic → stream → table, with what went along each edge; below the stream, what could not. */
export function FlowGraph({ flow, status, onOpen }: { flow: Flow; status: Status; onOpen: (station: Station) => void }): ReactNode {
  const { runs } = useLive()
  const stream = status.streams.find((each) => each.stream === flow.stream)
  const lastRun = runs[0]
  return (
    <Paper withBorder p="md" component="section" aria-label={`The way of ${flow.stream}`} data-testid={`flow-${flow.stream}`}>
      <div className="flow">
        <Stop kind="source" name={lastRun?.dagId ?? 'DAGs'} onOpen={() => onOpen({ is: 'source' })}>
          {lastRun === undefined ? 'no run yet' : <StateBadge state={lastRun.state} />}
        </Stop>
        <Edge label="fetched" value={flow.fetched} testId="fetched" />
        <Stop kind="topic" name={flow.topic} onOpen={() => onOpen({ is: 'topic', name: flow.topic })}>
          {counted(flow.inTopic, 'record')}
        </Stop>
        <Edge label="in topic" value={flow.inTopic} testId="in-topic" />
        <Stop kind="stream" name={flow.stream} onOpen={() => onOpen({ is: 'stream', name: flow.stream })}>
          <StateBadge state={stream?.state.is ?? 'starting'} />
        </Stop>
        <Edge label="in table" value={flow.inTable} testId="in-table" />
        <Stop kind="table" name={flow.table} onOpen={() => onOpen({ is: 'table', name: flow.table })}>
          {counted(flow.inTable, 'row')}
        </Stop>
      </div>
      <Box mt="sm" className="flow-aside">
        <Text size="sm" data-testid="lag">
          lag {count(flow.lag)}
        </Text>
        <LinkTo
          to="/dead-letters"
          search={{ stream: flow.stream }}
          size="sm"
          {...(flow.deadLetters ? { c: 'var(--mantine-color-error)' } : {})}
          data-testid="dead-letters"
        >
          {counted(flow.deadLetters, 'dead letter')}
        </LinkTo>
      </Box>
    </Paper>
  )
}

function Stop({ kind, name, onOpen, children }: { kind: string; name: string; onOpen: () => void; children: ReactNode }): ReactNode {
  return (
    <UnstyledButton className="flow-stop" onClick={onOpen} title="Show the last of it">
      <Text size="xs" c="dimmed">
        {kind}
      </Text>
      <Text fw={600} size="sm" style={{ overflowWrap: 'anywhere' }}>
        {name}
      </Text>
      <Text size="sm" component="div">
        {children}
      </Text>
    </UnstyledButton>
  )
}

function Edge({ label, value, testId }: { label: string; value: number | null; testId: string }): ReactNode {
  return (
    <div className="flow-edge">
      <Text size="sm" fw={600} data-testid={testId}>
        {count(value)}
      </Text>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <span aria-hidden="true" className="flow-arrow" />
    </div>
  )
}
