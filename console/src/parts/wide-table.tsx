import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

/** A table that may be wider than the page: it scrolls by itself, by keys too. */
export function WideTable({ label, minWidth, children }: { label: string; minWidth: number; children: ReactNode }): ReactNode {
  return (
    <div role="region" aria-label={label} tabIndex={0} style={{ overflowX: 'auto' }}>
      <Table highlightOnHover miw={minWidth}>
        {children}
      </Table>
    </div>
  )
}
