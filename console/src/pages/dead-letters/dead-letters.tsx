import { Badge, Group, Select, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { get } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { DeadLetter } from '../../api/types.ts'
import { useMay } from '../../frame/session.tsx'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { Time } from '../../parts/time.tsx'
import { WideTable } from '../../parts/wide-table.tsx'

/** Records that could not become rows, each with its reason. */
export function DeadLetters(): ReactNode {
  const may = useMay('operator')
  const { stream } = useSearch({ from: '/dead-letters' })
  const { status } = useLive()
  const navigate = useNavigate()
  const asked = useQuery({
    queryKey: ['dead-letters', stream],
    queryFn: ({ signal }) => get<DeadLetter[]>('/dead-letters', { stream, limit: 1_000 }, signal),
    enabled: may,
    refetchInterval: 3_000,
  })
  if (!may)
    return (
      <Page title="Dead letters">
        <Empty title="Dead letters are for operators">They hold records as they came, personal fields included.</Empty>
      </Page>
    )
  return (
    <Page title="Dead letters">
      <Select
        label="Stream"
        maw={320}
        clearable
        placeholder="all"
        data={status?.flows.map((flow) => flow.stream) ?? []}
        value={stream ?? null}
        onChange={(value) => void navigate({ to: '/dead-letters', search: value === null ? {} : { stream: value } })}
      />
      <Answer of={asked}>
        {(letters) =>
          letters.length === 0 ? (
            <Empty title="No dead letters">Every record became a row or was filtered.</Empty>
          ) : (
            <Letters of={letters} />
          )
        }
      </Answer>
    </Page>
  )
}

function Letters({ of: letters }: { of: readonly DeadLetter[] }): ReactNode {
  return (
    <WideTable label="Dead letters" minWidth={640} columns={['Record', 'Why']}>
      {letters.map((letter) => (
        <Table.Tr key={`${letter.stream}/${letter.id}`} data-testid={`letter-${letter.id}`}>
          <Table.Td>
            <Stack gap={2}>
              <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
                {letter.key ?? 'no key'}
              </Text>
              <Text size="xs" c="dimmed" component="div">
                {letter.topic}, partition {letter.partition}, offset {letter.offset} · <Time at={letter.at} size="xs" />
              </Text>
            </Stack>
          </Table.Td>
          <Table.Td>
            <Group gap="xs">
              <Badge color="red.9">{letter.stage}</Badge>
              <Text size="sm">{letter.message}</Text>
            </Group>
            <Text size="sm" ff="monospace" lineClamp={3} style={{ overflowWrap: 'anywhere' }}>
              {letter.value}
            </Text>
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
