import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { get } from '../../api/client.ts'
import type { AuditEntry } from '../../api/types.ts'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Time } from '../../parts/time.tsx'
import { WideTable } from '../../parts/wide-table.tsx'

export function Audit(): ReactNode {
  const asked = useQuery({ queryKey: ['audit'], queryFn: () => get<AuditEntry[]>('/audit', { limit: 500 }), refetchInterval: 5_000 })
  return (
    <Page title="Audit log">
      <Answer of={asked}>{(entries) => (entries.length === 0 ? <Empty title="Nothing was done yet" /> : <Entries of={entries} />)}</Answer>
    </Page>
  )
}

function Entries({ of: entries }: { of: readonly AuditEntry[] }): ReactNode {
  return (
    <WideTable label="Audit log" minWidth={760} columns={['When', 'Who', 'Did', 'To', 'Before and after', 'Outcome']}>
      {entries.map((entry, i) => (
        <Table.Tr key={`${entry.at}/${i}`}>
          <Table.Td>
            <Time at={entry.at} />
          </Table.Td>
          <Table.Td>
            {entry.who}
            <Text size="xs" c="dimmed">
              {entry.role} {entry.address}
            </Text>
          </Table.Td>
          <Table.Td>{entry.action}</Table.Td>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>{entry.target}</Table.Td>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>
            {[entry.before, entry.after]
              .filter((each) => each !== undefined)
              .map((each) => JSON.stringify(each))
              .join(' → ')}
          </Table.Td>
          <Table.Td>
            <StateBadge state={entry.outcome === 'done' ? 'ok' : 'failed'} />
            {entry.error === null ? null : <Text size="xs">{entry.error}</Text>}
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
