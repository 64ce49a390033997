import { Checkbox, Table, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { get } from '../../api/client.ts'
import type { TopicSummary } from '../../api/types.ts'
import { count } from '../../parts/count.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { WideTable } from '../../parts/wide-table.tsx'

export function Topics(): ReactNode {
  const { find = '', all } = useSearch({ from: '/topics' })
  const navigate = useNavigate()
  const asked = useQuery({ queryKey: ['topics'], queryFn: () => get<TopicSummary[]>('/topics'), refetchInterval: 3_000 })
  const keep = (change: { find?: string; all?: string }): void => {
    const search = { ...(find === '' ? {} : { find }), ...(all === undefined ? {} : { all }), ...change }
    void navigate({ to: '/topics', search, replace: true })
  }
  return (
    <Page title="Topics">
      <TextInput
        label="Find"
        placeholder="part of a name"
        value={find}
        onChange={(event) => keep({ find: event.currentTarget.value })}
        maw={360}
      />
      <Checkbox
        label="Internal topics as well"
        checked={all === 'yes'}
        onChange={(event) => keep({ all: event.currentTarget.checked ? 'yes' : '' })}
      />
      <Answer of={asked}>
        {(topics) => {
          const shown = topics.filter(({ name, internal }) => (all === 'yes' || !internal) && name.includes(find))
          return shown.length === 0 ? (
            <Empty title="No such topic">Topics are made when a stream or a source that uses them starts.</Empty>
          ) : (
            <Listed topics={shown} />
          )
        }}
      </Answer>
    </Page>
  )
}

function Listed({ topics }: { topics: readonly TopicSummary[] }): ReactNode {
  return (
    <WideTable label="Topics" minWidth={480} columns={['Topic', 'Partitions', 'Offsets in use']}>
      {topics.map((topic) => (
        <Table.Tr key={topic.name} data-testid={`topic-${topic.name}`}>
          <Table.Td>
            <LinkTo to="/topics/$topic" params={{ topic: topic.name }}>
              {topic.name}
            </LinkTo>
            {topic.error === null ? null : (
              <Text size="sm" c="var(--mantine-color-error)">
                {topic.error}
              </Text>
            )}
          </Table.Td>
          <Table.Td>{topic.partitions}</Table.Td>
          <Table.Td data-testid="offsets">{count(topic.offsets)}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
