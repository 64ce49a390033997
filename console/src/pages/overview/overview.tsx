import { Badge, Group, List, Paper, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { get } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { Doctor, Part, Status } from '../../api/types.ts'
import { useMe } from '../../frame/session.tsx'
import { count } from '../../parts/count.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { Empty, Page } from '../../parts/page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { WideTable } from '../../parts/wide-table.tsx'
import { FlowGraph, type Station } from './flow-graph.tsx'
import { StationDrawer } from './station-drawer.tsx'
import './overview.css'

/** What needs attention first, then the way of the records with live counts, then the parts and where they are. */
export function Overview(): ReactNode {
  const { status } = useLive()
  const { project: hasProject, readOnly } = useMe().console
  const [station, setStation] = useState<Station | null>(null)
  return (
    <Page title="Overview">
      {status === null ? null : (
        <>
          {hasProject ? <Attention status={status} /> : <Clusters status={status} readOnly={readOnly} />}
          {hasProject && status.flows.length === 0 ? (
            <Empty title="No stream is defined yet">
              Write a pipeline file with a topic, a table and a stream; <code>millrace init</code> makes one to begin with.
            </Empty>
          ) : null}
          {status.flows.map((flow) => (
            <FlowGraph key={flow.stream} flow={flow} status={status} onOpen={setStation} />
          ))}
          <Parts parts={status.parts} />
          <StationDrawer station={station} onClose={() => setStation(null)} />
        </>
      )}
    </Page>
  )
}

/** Of a console without a project: whether the clusters answer, and what it may do there. */
function Clusters({ status, readOnly }: { status: Status; readOnly: boolean }): ReactNode {
  const isWell = status.parts.every(({ state }) => state === 'ok')
  return (
    <Paper withBorder p="md" role="status" className={isWell ? 'attention-well' : 'attention-needed'} data-testid="clusters">
      <Stack gap="xs">
        <Text fw={600}>{isWell ? 'All clusters answer' : 'A cluster does not answer'}</Text>
        <Text size="sm">
          This console stands alone on clusters that are there already
          {readOnly ? ', and only reads: started with --write, it may change them.' : ' and may change them.'}
        </Text>
        {status.warnings.map((warning) => (
          <Text key={warning} size="sm">
            {warning}
          </Text>
        ))}
      </Stack>
    </Paper>
  )
}

/** The doctor's words; asked again whenever the state changed. */
function Attention({ status }: { status: Status }): ReactNode {
  const state = JSON.stringify([
    status.loadError,
    status.streams.map((stream) => stream.state),
    status.parts.map((part) => part.state),
    status.flows,
  ])
  const { data } = useQuery({ queryKey: ['doctor', state], queryFn: () => get<Doctor>('/doctor'), placeholderData: (before) => before })
  if (data === undefined) return null
  const stops = data.steps.filter(({ because }) => because !== null)
  const lettersOpen = status.flows.filter(({ deadLetters }) => deadLetters !== null && deadLetters > 0)
  const isWell = data.healthy && lettersOpen.length === 0 && status.alerts.length === 0
  return (
    <Paper withBorder p="md" role="status" className={isWell ? 'attention-well' : 'attention-needed'} data-testid="doctor">
      <Stack gap="xs">
        <Text fw={600}>{isWell ? 'All is well' : 'This needs attention'}</Text>
        <Text size="sm">{data.summary}</Text>
        {stops.length === 0 ? null : (
          <List size="sm">
            {stops.map(({ at, name, because }) => (
              <List.Item key={`${at}/${name}`}>
                {at} {name}: {because}
              </List.Item>
            ))}
          </List>
        )}
        {status.alerts.length === 0 ? null : (
          <List size="sm" aria-label="Alerts that fire">
            {status.alerts.map(({ name, subject, summary, description }) => (
              <List.Item key={`${name}/${Object.values(subject).join('/')}`} data-testid="alert">
                {name}: {summary}. {description}
              </List.Item>
            ))}
          </List>
        )}
        {lettersOpen.map(({ stream, deadLetters }) => (
          <LinkTo key={stream} to="/dead-letters" search={{ stream }} size="sm" data-testid={`open-letters-${stream}`}>
            {count(deadLetters)} open dead {deadLetters === 1 ? 'letter' : 'letters'} of {stream}: see why, and repair
          </LinkTo>
        ))}
        {data.administrator.length === 0 ? null : (
          <Text size="sm" component="pre" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', margin: 0 }}>
            {['To be run by an administrator:', ...data.administrator].join('\n')}
          </Text>
        )}
        {status.warnings.map((warning) => (
          <Text key={warning} size="sm">
            {warning}
          </Text>
        ))}
      </Stack>
    </Paper>
  )
}

function Parts({ parts }: { parts: readonly Part[] }): ReactNode {
  return (
    <Paper withBorder p="md" component="section" aria-label="Parts">
      <Title order={2} size="h5" mb="xs">
        Parts
      </Title>
      <WideTable label="Parts" minWidth={480} columns={['Part', 'State', 'Address']}>
        {parts.map((part) => (
          <Table.Tr key={part.name} data-testid={`part-${part.name}`}>
            <Table.Td>
              <Group gap="xs" wrap="nowrap">
                {part.name}
                <Badge variant="default" size="sm" style={{ flexShrink: 0 }}>
                  {part.is}
                </Badge>
              </Group>
            </Table.Td>
            <Table.Td>
              <StateBadge state={part.state} />
            </Table.Td>
            <Table.Td>
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {part.address}
                {part.detail === '' ? '' : ` · ${part.detail}`}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </WideTable>
    </Paper>
  )
}
