import { Group, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { get, pathOf } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { RecordView } from '../../api/types.ts'
import { Answer, Empty } from '../../parts/page.tsx'
import { RecordRows } from '../../parts/record-rows.tsx'

const limits = ['50', '200', '1000']

export function NewestRecords({ topic }: { topic: string }): ReactNode {
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
          records.length === 0 ? <NoRecords topic={topic} /> : <RecordRows records={records} label={`Newest records of ${topic}`} />
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
