import { Alert, Button, Group, Paper, Stack, Text, TextInput, Timeline, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { FormEvent, ReactNode } from 'react'
import { get } from '../../api/client.ts'
import type { FollowedFlow } from '../../api/types.ts'
import { fieldsOf } from '../../parts/fields.ts'
import { count, counted } from '../../parts/count.ts'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { PayloadBlock } from '../../parts/payload.tsx'
import { LetterNote } from '../../parts/record-letter.tsx'
import { RecordPlace } from '../../parts/record-place.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Time } from '../../parts/time.tsx'

/** Every stop that the records of a key made. */
export function Follow(): ReactNode {
  const { key } = useSearch({ from: '/follow' })
  const navigate = useNavigate()
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    void navigate({ to: '/follow', search: { key: fieldsOf(event.currentTarget).key ?? '' } })
  }
  return (
    <Page title="Follow a record">
      <form onSubmit={submit}>
        <Group gap="sm" align="end">
          <TextInput key={key} name="key" label="Key of the record" defaultValue={key} required style={{ flexGrow: 1 }} maw={520} />
          <Button type="submit">Follow</Button>
        </Group>
      </form>
      {key === undefined ? (
        <Empty title="Give a key">
          You see each version of the record: the run that fetched it, its place in the topic, and its row or dead letter.
        </Empty>
      ) : (
        <Followed recordKey={key} />
      )}
    </Page>
  )
}

function Followed({ recordKey }: { recordKey: string }): ReactNode {
  const asked = useQuery({
    queryKey: ['follow', recordKey],
    queryFn: ({ signal }) => get<FollowedFlow[]>('/follow', { key: recordKey }, signal),
  })
  return (
    <Answer of={asked}>
      {(flows) => (
        <Stack>
          {flows.length === 0 ? <Empty title="No record and no row has this key">All topics and tables were looked at.</Empty> : null}
          {flows.map((flow) => (
            <FlowOf key={placeOf(flow)} flow={flow} />
          ))}
        </Stack>
      )}
    </Answer>
  )
}

/** Of a stream its way; without streams a topic or a table. */
function placeOf({ stream, topic, table }: FollowedFlow): string {
  return [topic, stream, table].filter((part) => part !== null).join(' → ')
}

function FlowOf({ flow }: { flow: FollowedFlow }): ReactNode {
  const { stream, topic, table } = flow
  return (
    <Paper withBorder p="md" component="section" data-testid={`follow-${stream ?? topic ?? table}`}>
      <Title order={2} size="h5" style={{ overflowWrap: 'anywhere' }}>
        {placeOf(flow)}
      </Title>
      {topic === null ? null : <InTopic flow={flow} />}
      {table === null ? null : <InTable flow={flow} />}
    </Paper>
  )
}

function InTopic({ flow }: { flow: FollowedFlow }): ReactNode {
  const { topic, versions, found, scanned, complete } = flow
  return (
    <>
      <Text size="xs" c="dimmed" mb="md">
        looked at {counted(scanned, 'record')}
        {complete ? '' : ', then the time was up: there may be more versions'}
        {found > versions.length ? `; the newest ${count(versions.length)} of ${count(found)} versions are shown` : ''}
      </Text>
      {versions.length === 0 ? (
        <Empty title="No record of this key">The topic {topic} has none now: it was never produced, or retention has removed it.</Empty>
      ) : (
        <Versions flow={flow} />
      )}
    </>
  )
}

function InTable({ flow: { row, rowError } }: { flow: FollowedFlow }): ReactNode {
  return (
    <>
      <Text fw={600} size="sm" mt="md">
        In the table now
      </Text>
      {rowError === null ? null : <Alert color="orange">{rowError}</Alert>}
      {row === null ? (
        <Text size="sm" data-testid="no-row">
          no row
        </Text>
      ) : (
        <div data-testid="row">
          <PayloadBlock of={{ format: 'json', json: row, text: null, sizeBytes: JSON.stringify(row).length }} />
        </div>
      )}
    </>
  )
}

function Versions({ flow: { versions, topic, stream } }: { flow: FollowedFlow }): ReactNode {
  return (
    <Timeline active={versions.length} bulletSize={14} lineWidth={2}>
      {versions.map(({ record, run, processed, readBy, deadLetter }) => (
        <Timeline.Item
          key={`${record.partition}:${record.offset}`}
          title={
            <Text size="sm" fw={600} component="div" data-testid={`version-${record.partition}:${record.offset}`}>
              <RecordPlace of={`${topic}:${record.partition}:${record.offset}`} /> · <Time at={record.at} />
            </Text>
          }
        >
          <Stack gap={4}>
            <Text size="sm">
              {stream === null
                ? `read by ${readBy.join(', ') || 'no group'}`
                : run === null
                  ? 'produced by another program'
                  : `fetched by run ${run.run}, attempt ${run.attempt}${run.page === null ? '' : `, page ${run.page}`}`}
            </Text>
            {stream === null ? null : (
              <Group gap="xs">
                <StateBadge state={processed ? 'success' : 'waiting'} />
                <Text size="sm">{processed ? `${stream} has read it` : `${stream} has not read it yet`}</Text>
              </Group>
            )}
            {deadLetter === null ? null : <LetterNote name={deadLetter} />}
            <PayloadBlock of={record.value} />
          </Stack>
        </Timeline.Item>
      ))}
    </Timeline>
  )
}
