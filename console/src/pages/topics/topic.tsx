import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { get, pathOf } from '../../api/client.ts'
import type { TopicView } from '../../api/types.ts'
import { useMay } from '../../frame/session.tsx'
import { Answer, Page } from '../../parts/page.tsx'
import { LiveRecords } from './live-records.tsx'
import { NewestRecords } from './newest-records.tsx'
import { Produce } from './produce.tsx'
import { Search } from './search.tsx'
import { Configs, Groups, Partitions } from './topic-tables.tsx'

const tabs = [
  ['newest', 'Newest'],
  ['live', 'Live'],
  ['search', 'Search'],
  ['produce', 'Produce'],
  ['partitions', 'Partitions'],
  ['groups', 'Groups'],
  ['configs', 'Configuration'],
] as const

export function Topic(): ReactNode {
  const { topic } = useParams({ from: '/topics/$topic' })
  const { tab = 'newest' } = useSearch({ from: '/topics/$topic' })
  const navigate = useNavigate()
  const may = useMay('operator')
  const asked = useQuery({
    queryKey: ['topic', topic],
    queryFn: () => get<TopicView>(`/topics${pathOf(topic)}`),
    refetchInterval: 3_000,
  })
  return (
    <Page title={topic}>
      <Tabs
        value={tab}
        onChange={(to) => void navigate({ to: '/topics/$topic', params: { topic }, search: { tab: to ?? 'newest' } })}
        keepMounted={false}
      >
        <Tabs.List aria-label="Views of the topic">
          {tabs
            .filter(([value]) => value !== 'produce' || may)
            .map(([value, label]) => (
              <Tabs.Tab key={value} value={value}>
                {label}
              </Tabs.Tab>
            ))}
        </Tabs.List>
        <Tabs.Panel value="newest" pt="md">
          <NewestRecords topic={topic} />
        </Tabs.Panel>
        <Tabs.Panel value="live" pt="md">
          <LiveRecords topic={topic} />
        </Tabs.Panel>
        <Tabs.Panel value="search" pt="md">
          <Search topic={topic} />
        </Tabs.Panel>
        {may ? (
          <Tabs.Panel value="produce" pt="md">
            <Produce topic={topic} />
          </Tabs.Panel>
        ) : null}
        <Tabs.Panel value="partitions" pt="md">
          <Answer of={asked}>{(view) => <Partitions of={view} />}</Answer>
        </Tabs.Panel>
        <Tabs.Panel value="groups" pt="md">
          <Answer of={asked}>{(view) => <Groups of={view} />}</Answer>
        </Tabs.Panel>
        <Tabs.Panel value="configs" pt="md">
          <Answer of={asked}>{(view) => <Configs of={view} />}</Answer>
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
