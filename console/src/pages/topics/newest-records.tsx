import { Group, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useState, type ReactNode } from 'react'
import { get, pathOf } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { RecordView } from '../../api/types.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { Answer, Empty } from '../../parts/page.tsx'
import { RecordRows } from '../../parts/record-rows.tsx'

const limits = ['50', '200', '1000']

/** The newest, or (`at`, in the URL: `partition:offset`) those from a place on. */
export function NewestRecords({ topic }: { topic: string }): ReactNode {
  const { at } = useSearch({ from: '/topics/$topic' })
  const [, partition, offset] = /^(\d{1,9}):(\d{1,18})$/.exec(at ?? '') ?? []
  return partition === undefined || offset === undefined ? (
    <Newest topic={topic} />
  ) : (
    <From topic={topic} partition={partition} offset={offset} />
  )
}

/** One record and those behind it in its partition. */
function From({ topic, partition, offset }: { topic: string; partition: string; offset: string }): ReactNode {
  const asked = useQuery({
    queryKey: ['records', topic, 'from', partition, offset],
    queryFn: ({ signal }) =>
      get<RecordView[]>(`/topics${pathOf(topic)}/records`, { partition, from: `offset:${offset}`, limit: 50 }, signal),
  })
  const id = `${partition}:${offset}`
  return (
    <Stack gap="sm">
      <Text size="sm">
        From partition {partition}, offset {offset} on ·{' '}
        <LinkTo underline="always" to="/topics/$topic" params={{ topic }} size="sm">
          the newest
        </LinkTo>
      </Text>
      <Answer of={asked}>
        {(records) =>
          records.length === 0 ? (
            <Empty title="No record is there">Retention has removed it, or it was never committed.</Empty>
          ) : (
            <>
              {records.some((record) => `${record.partition}:${record.offset}` === id) ? null : (
                <Text size="sm">Offset {offset} itself is not there now: retention has removed it, or it was never committed.</Text>
              )}
              <RecordRows key={id} topic={topic} records={records} label={`Records of ${topic}`} openAt={id} />
            </>
          )
        }
      </Answer>
    </Stack>
  )
}

function Newest({ topic }: { topic: string }): ReactNode {
  const [limit, setLimit] = useState('50')
  const asked = useQuery({
    queryKey: ['records', topic, limit],
    queryFn: ({ signal }) => get<RecordView[]>(`/topics${pathOf(topic)}/records`, { limit }, signal),
    refetchInterval: 2_000,
    placeholderData: (before) => before,
  })
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Select
          size="xs"
          w={110}
          aria-label="How many"
          allowDeselect={false}
          data={limits}
          value={limit}
          onChange={(value) => setLimit(value ?? '50')}
        />
        <Text size="sm" c="dimmed">
          newest first, read committed
        </Text>
      </Group>
      <Answer of={asked}>
        {(records) =>
          records.length === 0 ? (
            <NoRecords topic={topic} />
          ) : (
            <RecordRows topic={topic} records={records} label={`Newest records of ${topic}`} />
          )
        }
      </Answer>
    </Stack>
  )
}

/** In the words of the doctor, when a flow of this project goes through the topic. */
function NoRecords({ topic }: { topic: string }): ReactNode {
  const { status } = useLive()
  const flow = status?.flows.find((each) => each.topic === topic)
  const { data } = useQuery({ queryKey: ['doctor'], queryFn: () => get<{ summary: string }>('/doctor'), enabled: flow !== undefined })
  return <Empty title="The topic is empty">{data?.summary ?? 'Nothing was produced to it yet, or retention has removed it.'}</Empty>
}
