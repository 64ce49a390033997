import { Stack, Table, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { TopicView } from '../../api/types.ts'
import { count } from '../../parts/count.ts'
import { Empty } from '../../parts/page.tsx'
import { WideTable } from '../../parts/wide-table.tsx'

export function Partitions({ of: { partitions } }: { of: TopicView }): ReactNode {
  return (
    <WideTable label="Partitions" minWidth={520} columns={['Partition', 'Begin', 'End', 'Leader', 'In sync']}>
      {partitions.map((each) => (
        <Table.Tr key={each.partition} data-testid={`partition-${each.partition}`}>
          <Table.Td>{each.partition}</Table.Td>
          <Table.Td data-testid="begin">{each.begin}</Table.Td>
          <Table.Td data-testid="end">{each.end}</Table.Td>
          <Table.Td>{each.leader < 0 ? 'none' : each.leader}</Table.Td>
          <Table.Td>
            {each.isr.length} of {each.replicas.length}
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

export function Groups({ of: { groups } }: { of: TopicView }): ReactNode {
  if (groups.length === 0) return <Empty title="No group reads this topic">A group appears once it has committed an offset.</Empty>
  return (
    <Stack gap="lg">
      {groups.map((group) => (
        <Stack key={group.groupId} gap="xs" component="section" data-testid={`group-${group.groupId}`}>
          <Title order={2} size="h5" style={{ overflowWrap: 'anywhere' }}>
            {group.groupId}
          </Title>
          <Text size="sm">
            {group.state} · {group.members} members · lag <span data-testid="lag">{count(group.lag)}</span>
          </Text>
          <WideTable label="Offsets of the group" minWidth={420} columns={['Partition', 'Committed', 'End', 'Lag']}>
            {group.partitions.map((each) => (
              <Table.Tr key={each.partition}>
                <Table.Td>{each.partition}</Table.Td>
                <Table.Td>{each.committed}</Table.Td>
                <Table.Td>{each.end}</Table.Td>
                <Table.Td>{count(each.lag)}</Table.Td>
              </Table.Tr>
            ))}
          </WideTable>
        </Stack>
      ))}
    </Stack>
  )
}

export function Configs({ of: { configs } }: { of: TopicView }): ReactNode {
  return (
    <WideTable label="Configuration" minWidth={520} columns={['Configuration', 'Value', 'From']}>
      {configs.map(({ name, value, source, isDefault }) => (
        <Table.Tr key={name} data-testid={`config-${name}`}>
          <Table.Td fw={isDefault ? undefined : 600}>{name}</Table.Td>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>{value ?? 'hidden'}</Table.Td>
          <Table.Td>{source.toLowerCase().replaceAll('_', ' ')}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
