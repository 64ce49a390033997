import { Group, Table, Text } from '@mantine/core'
import { LinkTo } from '../../parts/link-to.tsx'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { get } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { Dag as DagView, Run } from '../../api/types.ts'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { duration, Time } from '../../parts/time.tsx'
import { WideTable } from '../../parts/wide-table.tsx'
import { Paused } from './dags.tsx'
import { Trigger } from './trigger.tsx'

const shown = 100

export function Dag(): ReactNode {
  const { dag: id } = useParams({ from: '/dags/$dag' })
  const { runs: latest } = useLive()
  const dags = useQuery({ queryKey: ['dags'], queryFn: () => get<DagView[]>('/dags') })
  // The latest run's state is part of the question: asked again when it changed.
  const newest = latest.find(({ dagId }) => dagId === id)
  const runs = useQuery({
    queryKey: ['runs', id, newest?.runId, newest?.state],
    queryFn: () => get<Run[]>('/runs', { dag: id, limit: shown }),
    placeholderData: (before) => before,
  })
  const dag = dags.data?.find((each) => each.id === id)
  return (
    <Page
      title={id}
      beside={
        dag === undefined ? null : (
          <Group gap="md">
            <Paused dag={dag} />
            <Trigger dag={dag} />
          </Group>
        )
      }
    >
      {dag === undefined ? null : (
        <Text size="sm">
          {dag.schedule === null ? 'Runs when it is triggered' : `Scheduled ${dag.schedule}`} · tasks: {dag.tasks.join(' → ')} · version{' '}
          {dag.version}
        </Text>
      )}
      <Answer of={runs}>
        {(list) => (list.length === 0 ? <Empty title="No run yet">Trigger one, or wait for its schedule.</Empty> : <Runs runs={list} />)}
      </Answer>
    </Page>
  )
}

function Runs({ runs }: { runs: readonly Run[] }): ReactNode {
  return (
    <WideTable label="Runs" minWidth={640} columns={['Run', 'State', 'By', 'Started', 'Took', 'Why']}>
      {runs.map((run) => (
        <Table.Tr key={run.runId} data-testid={`run-${run.runId}`}>
          <Table.Td>
            <LinkTo to="/dags/$dag/runs/$run" params={{ dag: run.dagId, run: run.runId }} size="sm">
              {run.runId}
            </LinkTo>
          </Table.Td>
          <Table.Td>
            <StateBadge state={run.state} />
          </Table.Td>
          <Table.Td>{run.trigger === 'manual' ? 'hand' : 'schedule'}</Table.Td>
          <Table.Td>
            <Time at={run.startedAt} />
          </Table.Td>
          <Table.Td>{tookOf(run)}</Table.Td>
          <Table.Td>{run.reason}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

function tookOf({ startedAt, endedAt }: Run): string {
  return startedAt === null || endedAt === null ? '' : duration(Date.parse(endedAt) - Date.parse(startedAt))
}
