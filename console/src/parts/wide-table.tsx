import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

interface WideTableProps {
  readonly label: string
  readonly minWidth: number
  /** Their headings; empty for one of actions. */
  readonly columns: readonly string[]
  /** The rows. */
  readonly children: ReactNode
}

/** A table that may be wider than the page: it scrolls by itself, by keys too. */
export function WideTable({ label, minWidth, columns, children }: WideTableProps): ReactNode {
  return (
    <div role="region" aria-label={label} tabIndex={0} style={{ overflowX: 'auto' }}>
      <Table highlightOnHover miw={minWidth}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (column === '' ? <Table.Td key="actions" /> : <Table.Th key={column}>{column}</Table.Th>))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </div>
  )
}
