import { Badge, Group, Switch, Table, Text } from '@mantine/core'
import { LinkTo } from '../../parts/link-to.tsx'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { get, pathOf, send } from '../../api/client.ts'
import type { Dag } from '../../api/types.ts'
import { useMay } from '../../frame/session.tsx'
import { Failure } from '../../parts/action.tsx'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Time } from '../../parts/time.tsx'
import { WideTable } from '../../parts/wide-table.tsx'
import { Trigger } from './trigger.tsx'

export function Dags(): ReactNode {
  const asked = useQuery({ queryKey: ['dags'], queryFn: () => get<Dag[]>('/dags') })
  return (
    <Page title="DAGs">
      <Answer of={asked}>
        {(dags) =>
          dags.length === 0 ? (
            <Empty title="No DAG is defined">
              A DAG is what fetches on a schedule: write <code>dag(&apos;name&apos;, …)</code> in a pipeline file.
            </Empty>
          ) : (
            <WideTable label="DAGs" minWidth={720} columns={['DAG', 'On', 'Schedule', 'Last run', 'Next run', 'Runs', '']}>
              {dags.map((dag) => (
                <DagRow key={dag.id} dag={dag} />
              ))}
            </WideTable>
          )
        }
      </Answer>
    </Page>
  )
}

function DagRow({ dag }: { dag: Dag }): ReactNode {
  return (
    <Table.Tr data-testid={`dag-${dag.id}`}>
      <Table.Td>
        <LinkTo to="/dags/$dag" params={{ dag: dag.id }} fw={600}>
          {dag.id}
        </LinkTo>
        <Group gap={4}>
          {dag.owner === null ? null : (
            <Text size="xs" c="dimmed">
              {dag.owner}
            </Text>
          )}
          {dag.tags.map((tag) => (
            <Badge key={tag} size="xs" variant="default">
              {tag}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>
        <Paused dag={dag} />
      </Table.Td>
      <Table.Td>{dag.schedule ?? 'by hand'}</Table.Td>
      <Table.Td>
        {dag.lastRun === null ? (
          'none yet'
        ) : (
          <Group gap="xs" wrap="nowrap">
            <StateBadge state={dag.lastRun.state} />
            <Time at={dag.lastRun.startedAt ?? dag.lastRun.queuedAt} />
          </Group>
        )}
      </Table.Td>
      <Table.Td>
        <Time at={dag.nextRun} />
      </Table.Td>
      <Table.Td data-testid="run-count">{dag.runCount}</Table.Td>
      <Table.Td>
        <Trigger dag={dag} />
      </Table.Td>
    </Table.Tr>
  )
}

/** On: the schedule starts runs. A run that goes on is left alone. */
export function Paused({ dag }: { dag: Dag }): ReactNode {
  const may = useMay('operator')
  const queries = useQueryClient()
  const { mutate, isPending, error } = useMutation({
    mutationFn: (paused: boolean) => send('PUT', `/dags${pathOf(dag.id)}/paused`, { paused }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['dags'] }),
  })
  return (
    <>
      <Switch
        checked={!dag.paused}
        disabled={!may || isPending}
        onChange={(event) => mutate(!event.currentTarget.checked)}
        aria-label={`${dag.id} is ${dag.paused ? 'paused' : 'on'}`}
      />
      <Failure error={error} />
    </>
  )
}
