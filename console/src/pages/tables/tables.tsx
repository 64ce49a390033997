import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { get } from '../../api/client.ts'
import type { TableSummary } from '../../api/types.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { WideTable } from '../../parts/wide-table.tsx'
import { useMaySee } from '../../frame/session.tsx'

export function Tables(): ReactNode {
  const asked = useQuery({ queryKey: ['tables'], queryFn: () => get<TableSummary[]>('/tables'), refetchInterval: 5_000 })
  const may = useMaySee('operator')
  return (
    <Page title="Tables" beside={may ? <LinkTo to="/cql">CQL editor</LinkTo> : null}>
      <Answer of={asked}>
        {(tables) =>
          tables.length === 0 ? (
            <Empty title="No table yet">A stream makes its table when it starts; the overview says why one does not.</Empty>
          ) : (
            <Listed tables={tables} />
          )
        }
      </Answer>
    </Page>
  )
}

function Listed({ tables }: { tables: readonly TableSummary[] }): ReactNode {
  return (
    <WideTable label="Tables" minWidth={560} columns={['Table', 'Key', 'Columns', 'Written by']}>
      {tables.map((table) => (
        <Table.Tr key={`${table.keyspace}.${table.name}`} data-testid={`table-${table.keyspace}.${table.name}`}>
          <Table.Td>
            <LinkTo to="/tables/$keyspace/$table" params={{ keyspace: table.keyspace, table: table.name }}>
              {table.keyspace}.{table.name}
            </LinkTo>
          </Table.Td>
          <Table.Td>{[`(${table.partitionKey.join(', ')})`, ...table.clusteringKey.map(({ column }) => column)].join(', ')}</Table.Td>
          <Table.Td>
            <Text size="sm" lineClamp={2}>
              {table.columns.map(({ name, type }) => `${name} ${type}`).join(', ')}
            </Text>
          </Table.Td>
          <Table.Td>{table.streams.join(', ')}</Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}
