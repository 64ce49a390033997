import { Group, Loader, Paper, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { get, pathOf } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { DeadLetterDetail, Project, Rows } from '../../api/types.ts'
import { keyValues } from '../../parts/key-values.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { Answer } from '../../parts/page.tsx'
import { PayloadBlock } from '../../parts/payload.tsx'
import { RecordPlace } from '../../parts/record-place.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Time } from '../../parts/time.tsx'
import { letterText } from './letters.ts'

/** What became of it: who acted, and whether the replay waits, has landed (and its row), or failed again. */
export function Fate({ letter }: { letter: DeadLetterDetail }): ReactNode {
  const { settled, state, stream } = letter
  if (settled === null) return null
  return (
    <Paper withBorder p="sm" role="status" data-testid="letter-fate">
      <Stack gap="xs">
        <Text size="sm" component="div">
          {state === 'replayed' ? 'Replayed' : 'Discarded'} by {settled.by}, <Time at={settled.at} />
          {settled.to === null ? null : (
            <>
              , as <RecordPlace of={settled.to} />
            </>
          )}
        </Text>
        {letter.landed === 'waiting' ? <Waiting stream={stream} /> : null}
        {letter.landed === 'processed' ? <Landed letter={letter} /> : null}
        {letter.landed === 'failed' && letter.failedAs !== null ? <FailedAgain stream={stream} id={letter.failedAs} /> : null}
      </Stack>
    </Paper>
  )
}

function Waiting({ stream }: { stream: string }): ReactNode {
  const { status } = useLive()
  const state = status?.streams.find((each) => each.stream === stream)?.state
  const error = state !== undefined && 'error' in state ? state.error : null
  return (
    <Group gap="sm">
      <StateBadge state="waiting" />
      <Loader size="xs" />
      <Text size="sm">
        {state === undefined || state.is === 'running'
          ? `${stream} has not read it yet`
          : `${stream} is ${state.is}${error === null ? '' : `: ${error.message}`}`}
      </Text>
    </Group>
  )
}

function FailedAgain({ stream, id }: { stream: string; id: string }): ReactNode {
  const search = useSearch({ from: '/dead-letters' })
  return (
    <Group gap="sm">
      <StateBadge state="failed_again" />
      <Text size="sm" component="div">
        it is{' '}
        <LinkTo underline="always" to="/dead-letters" search={{ ...search, letter: letterText({ stream, id }) }}>
          dead letter {id}
        </LinkTo>{' '}
        now
      </Text>
    </Group>
  )
}

function Landed({ letter }: { letter: DeadLetterDetail }): ReactNode {
  const { status } = useLive()
  const table = status?.flows.find((flow) => flow.stream === letter.stream)?.table
  const { data: project } = useQuery({ queryKey: ['project'], queryFn: () => get<Project>('/project') })
  const key = keyOf(project, letter, table)
  return (
    <>
      <Group gap="sm">
        <StateBadge state="landed" />
        <Text size="sm">{letter.stream} has read it</Text>
        {letter.key === null || letter.masked ? null : (
          <LinkTo to="/follow" search={{ key: letter.key }} size="sm">
            follow the record
          </LinkTo>
        )}
      </Group>
      {table === undefined || key === null || letter.masked ? null : <RowOf table={table} rowKey={key} />}
    </>
  )
}

/** The row that has the letter's key now: a step may have filtered the record, and a newer version of the row stays. */
function RowOf({ table, rowKey }: { table: string; rowKey: string }): ReactNode {
  const [keyspace = '', name = ''] = table.split('.')
  const asked = useQuery({
    queryKey: ['rows', table, 'by key', rowKey],
    queryFn: ({ signal }) => get<Rows>(`/tables${pathOf(keyspace, name)}/rows`, { key: rowKey, pageSize: 1 }, signal),
    refetchInterval: 5_000,
  })
  return (
    <Answer of={asked}>
      {({ rows: [row] }) => (
        <Stack gap={4} data-testid="landed-row">
          <LinkTo to="/tables/$keyspace/$table" params={{ keyspace, table: name }} search={{ key: rowKey }} size="sm">
            {row === undefined ? `No row in ${table} has its key: a step filtered it` : `Its row in ${table}`}
          </LinkTo>
          {row === undefined ? null : (
            <PayloadBlock of={{ format: 'json', json: row, text: null, sizeBytes: JSON.stringify(row).length }} />
          )}
        </Stack>
      )}
    </Answer>
  )
}

/** The row's key as the tables page has it; null where the table's key is not that of the records. */
function keyOf(project: Project | undefined, { topic, key }: DeadLetterDetail, table: string | undefined): string | null {
  const fields = project?.topics.find(({ name }) => name === topic)?.key ?? []
  const columns = project?.tables.find((each) => `${each.keyspace}.${each.name}` === table)?.partitionKey ?? []
  if (key === null || fields.length === 0 || columns.length === 0) return null
  const parts = fields.length === 1 ? [key] : keyValues(key)
  const values = columns.map((column) => parts[fields.indexOf(column)])
  return values.every((value) => value !== undefined) ? JSON.stringify(values) : null
}
