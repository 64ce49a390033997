import { Divider, Drawer, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode } from 'react'
import { get, pathOf } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { RecordView, Rows } from '../../api/types.ts'
import { count, counted } from '../../parts/count.ts'
import { Answer, Empty } from '../../parts/page.tsx'
import { PayloadBlock } from '../../parts/payload.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Time } from '../../parts/time.tsx'
import type { Station } from './flow-graph.tsx'

const shown = 5

/** The last records of a stop, and the way to all of them. */
export function StationDrawer({ station, onClose }: { station: Station | null; onClose: () => void }): ReactNode {
  return (
    <Drawer
      opened={station !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={station === null ? '' : titleOf(station)}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {station === null ? null : <Inside station={station} />}
    </Drawer>
  )
}

function titleOf(station: Station): string {
  return station.is === 'source' ? 'Last runs' : `${station.is} ${station.name}`
}

function Inside({ station }: { station: Station }): ReactNode {
  switch (station.is) {
    case 'source':
      return <LastRuns />
    case 'topic':
      return <LastRecords topic={station.name} />
    case 'stream':
      return <StreamState name={station.name} />
    case 'table':
      return <SomeRows table={station.name} />
  }
}

function LastRuns(): ReactNode {
  const { runs } = useLive()
  if (runs.length === 0)
    return (
      <Empty title="No run yet">
        Trigger a DAG on its page, or run <code>millrace dags trigger</code>.
      </Empty>
    )
  return (
    <Stack gap="sm">
      {runs.slice(0, shown).map((run) => (
        <Stack key={`${run.dagId}/${run.runId}`} gap={2}>
          <Text size="sm" fw={600}>
            {run.dagId} · {run.runId}
          </Text>
          <Text size="sm" component="div">
            <StateBadge state={run.state} /> <Time at={run.startedAt ?? run.queuedAt} />
          </Text>
          {run.reason === null ? null : <Text size="sm">{run.reason}</Text>}
          <Divider />
        </Stack>
      ))}
    </Stack>
  )
}

function LastRecords({ topic }: { topic: string }): ReactNode {
  const asked = useQuery({
    queryKey: ['records', topic, 'last'],
    queryFn: ({ signal }) => get<RecordView[]>(`/topics${pathOf(topic)}/records`, { limit: shown }, signal),
    refetchInterval: 2_000,
  })
  return (
    <Answer of={asked}>
      {(records) =>
        records.length === 0 ? (
          <Empty title="The topic is empty">Nothing was produced to it yet, or retention has removed it.</Empty>
        ) : (
          <Stack gap="sm">
            {records.map((record) => (
              <Stack key={`${record.partition}:${record.offset}`} gap={4}>
                <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
                  {record.key?.text ?? 'no key'}
                </Text>
                <Text size="xs" c="dimmed" component="div">
                  partition {record.partition}, offset {record.offset} · <Time at={record.at} size="xs" />
                </Text>
                <PayloadBlock of={record.value} />
              </Stack>
            ))}
          </Stack>
        )
      }
    </Answer>
  )
}

function StreamState({ name }: { name: string }): ReactNode {
  const { status } = useLive()
  const stream = status?.streams.find((each) => each.stream === name)
  if (stream === undefined)
    return <Empty title="It has not started">Its topics and table are being made, or were refused: the overview says why.</Empty>
  const { state } = stream
  return (
    <Stack gap="xs">
      <div>
        <StateBadge state={state.is} />
      </div>
      {(state.is === 'retrying' || state.is === 'stopped') && state.error !== null ? <Text size="sm">{state.error.message}</Text> : null}
      <Text size="sm">{counted(stream.recordsRead, 'record')} read since its worker started</Text>
      <Text size="sm">{counted(stream.rowsWritten, 'row')} written</Text>
      <Text size="sm">{count(stream.filtered)} filtered</Text>
      <Text size="sm">{counted(stream.deadLetters, 'dead letter')} since then</Text>
      <Text size="sm">lag {count(stream.lag)}</Text>
    </Stack>
  )
}

function SomeRows({ table }: { table: string }): ReactNode {
  const [keyspace = '', name = ''] = table.split('.')
  const asked = useQuery({
    queryKey: ['rows', table, 'some'],
    queryFn: ({ signal }) => get<Rows>(`/tables${pathOf(keyspace, name)}/rows`, { pageSize: shown }, signal),
    refetchInterval: 2_000,
  })
  return (
    <Answer of={asked}>
      {({ rows }) =>
        rows.length === 0 ? (
          <Empty title="The table is empty">The overview says where the records stop.</Empty>
        ) : (
          <Stack gap="sm">
            {rows.map((row, i) => (
              <PayloadBlock key={i} of={{ format: 'json', json: row, text: null, sizeBytes: JSON.stringify(row).length }} />
            ))}
          </Stack>
        )
      }
    </Answer>
  )
}
