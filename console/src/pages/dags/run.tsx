import { Alert, Group, Progress, Select, Stack, Table, Text } from '@mantine/core'
import { LinkTo } from '../../parts/link-to.tsx'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { get, pathOf, send } from '../../api/client.ts'
import type { RunDetail, TaskInstance } from '../../api/types.ts'
import { useMay } from '../../frame/session.tsx'
import { Action } from '../../parts/action.tsx'
import { Answer, Page } from '../../parts/page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { duration, Time } from '../../parts/time.tsx'
import { WideTable } from '../../parts/wide-table.tsx'
import { TaskLog } from './task-log.tsx'

export function Run(): ReactNode {
  const { dag, run: runId } = useParams({ from: '/dags/$dag/runs/$run' })
  const asked = useQuery({
    queryKey: ['run', dag, runId],
    queryFn: () => get<RunDetail>(`/dags${pathOf(dag)}/runs${pathOf(runId)}`),
    refetchInterval: ({ state }) => (isOver(state.data) ? false : 1_000),
  })
  const may = useMay('operator')
  const cancel = (
    <Action
      label="Cancel the run"
      color="red.9"
      changes={['run', 'runs', 'dags']}
      ask="Tasks that run are ended, the others skipped. What they have already produced stays."
      act={() => send('POST', `/dags${pathOf(dag)}/runs${pathOf(runId)}/cancel`, {})}
    />
  )
  return (
    <Page title={runId} beside={may && asked.data !== undefined && !isOver(asked.data) ? cancel : null}>
      <Text size="sm">
        <LinkTo to="/dags/$dag" params={{ dag }}>
          {dag}
        </LinkTo>
      </Text>
      <Answer of={asked}>{(run) => <Details run={run} />}</Answer>
    </Page>
  )
}

function isOver(run: RunDetail | undefined): boolean {
  return run?.state === 'success' || run?.state === 'failed'
}

function Details({ run }: { run: RunDetail }): ReactNode {
  const { task: named, attempt } = useSearch({ from: '/dags/$dag/runs/$run' })
  const task = run.tasks.find(({ taskId }) => taskId === named) ?? run.tasks.find(({ state }) => state === 'running') ?? run.tasks[0]
  const params = Object.keys(run.params).length === 0 ? '' : ` · with ${JSON.stringify(run.params)}`
  return (
    <Stack>
      <Group gap="md">
        <StateBadge state={run.state} />
        <Text size="sm" component="div">
          {run.trigger === 'manual' ? 'by hand' : 'by schedule'} · <Time at={run.startedAt ?? run.queuedAt} />
          {params}
        </Text>
      </Group>
      {run.reason === null ? null : <Alert color="red">{run.reason}</Alert>}
      <Tasks run={run} chosen={task?.taskId ?? null} />
      {task === undefined || task.attempts.length === 0 ? null : <Log run={run} task={task} attempt={attempt} />}
    </Stack>
  )
}

function Tasks({ run, chosen }: { run: RunDetail; chosen: string | null }): ReactNode {
  return (
    <WideTable label="Tasks" minWidth={560} columns={['Task', 'State', 'Attempt', 'Started', 'Took', 'Progress']}>
      {run.tasks.map((task) => (
        <Table.Tr
          key={task.taskId}
          bg={task.taskId === chosen ? 'var(--mantine-color-default-hover)' : undefined}
          data-testid={`task-${task.taskId}`}
        >
          <Table.Td>
            <LinkTo to="/dags/$dag/runs/$run" params={{ dag: run.dagId, run: run.runId }} search={{ task: task.taskId }} size="sm">
              {task.taskId}
            </LinkTo>
          </Table.Td>
          <Table.Td>
            <StateBadge state={task.state} />
          </Table.Td>
          <Table.Td>{task.attempt}</Table.Td>
          <Table.Td>
            <Time at={task.startedAt} />
          </Table.Td>
          <Table.Td>
            {task.startedAt === null || task.endedAt === null ? '' : duration(Date.parse(task.endedAt) - Date.parse(task.startedAt))}
          </Table.Td>
          <Table.Td>
            <Done of={task} />
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

function Done({ of: { progress, wakesAt, error } }: { of: TaskInstance }): ReactNode {
  if (error !== null) return <Text size="sm">{error.message}</Text>
  if (wakesAt !== null)
    return (
      <Text size="sm" component="div">
        goes on at <Time at={wakesAt} />
      </Text>
    )
  if (progress === null) return null
  if (progress.total === null) return <Text size="sm">{progress.done} done</Text>
  return (
    <>
      <Progress value={(100 * progress.done) / Math.max(1, progress.total)} aria-label="Progress" />
      <Text size="xs">
        {progress.done} of {progress.total}
      </Text>
    </>
  )
}

function Log({ run, task, attempt }: { run: RunDetail; task: TaskInstance; attempt: string | undefined }): ReactNode {
  const navigate = useNavigate()
  const chosen = task.attempts.find((each) => String(each.attempt) === attempt) ?? task.attempts.at(-1)
  if (chosen === undefined) return null
  return (
    <Stack gap="xs" component="section" aria-label={`Log of ${task.taskId}`}>
      <Group gap="sm">
        <Text fw={600}>Log of {task.taskId}</Text>
        {task.attempts.length < 2 ? null : (
          <Select
            size="xs"
            w={220}
            aria-label="Attempt"
            allowDeselect={false}
            data={task.attempts.map((each) => ({ value: String(each.attempt), label: `attempt ${each.attempt}: ${each.state}` }))}
            value={String(chosen.attempt)}
            onChange={(value) =>
              void navigate({
                to: '/dags/$dag/runs/$run',
                params: { dag: run.dagId, run: run.runId },
                search: { task: task.taskId, ...(value === null ? {} : { attempt: value }) },
              })
            }
          />
        )}
        {chosen.reason === null ? null : <Text size="sm">{chosen.reason}</Text>}
      </Group>
      <TaskLog key={`${task.taskId}/${chosen.attempt}`} dag={run.dagId} run={run.runId} task={task.taskId} attempt={chosen.attempt} />
    </Stack>
  )
}
