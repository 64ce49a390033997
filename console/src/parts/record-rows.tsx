import { Table, Text, UnstyledButton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef, useState, type ReactNode } from 'react'
import type { RecordView } from '../api/types.ts'
import { LinkTo } from './link-to.tsx'
import { PayloadBlock, PayloadLine } from './payload.tsx'
import { RecordLetter } from './record-letter.tsx'
import { Time } from './time.tsx'
import './record-rows.css'

const rowHeight = 37

interface RecordRowsProps {
  readonly records: readonly RecordView[]
  readonly topic: string
  readonly label: string
  /** `partition:offset` of the one that is open at first. */
  readonly openAt?: string
}

/** Records, one a row, only those in view in the page; a row opens to the whole record. */
export function RecordRows({ records, topic, label, openAt }: RecordRowsProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState<string | null>(openAt ?? null)
  const rows = useVirtualizer({
    count: records.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (i) => idOf(records[i]),
    overscan: 10,
  })
  return (
    <div ref={scroller} className="records" role="region" aria-label={label} tabIndex={0}>
      <div className="records-all" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => {
          const record = records[index]
          if (record === undefined) return null
          const id = idOf(record)
          return (
            <div
              key={key}
              data-index={index}
              ref={rows.measureElement}
              className="records-row"
              style={{ transform: `translateY(${start}px)` }}
              data-testid={`record-${id}`}
            >
              <UnstyledButton className="records-line" onClick={() => setOpen(open === id ? null : id)} aria-expanded={open === id}>
                <Text span size="sm" c="dimmed" className="records-place">
                  {id}
                </Text>
                <span className="records-time">
                  <Time at={record.at} />
                </span>
                <span className="records-key">
                  <PayloadLine of={record.key} />
                </span>
                <span className="records-value">
                  <PayloadLine of={record.value} />
                </span>
              </UnstyledButton>
              {open === id ? <Whole topic={topic} record={record} /> : null}
            </div>
          )
        })}
      </div>
    </div>
  )
}

function idOf(record: RecordView | undefined): string {
  return record === undefined ? '' : `${record.partition}:${record.offset}`
}

function Whole({ topic, record }: { topic: string; record: RecordView }): ReactNode {
  const { key, value, headers } = record
  return (
    <div className="records-whole">
      {key === null ? null : (
        <Text size="sm">
          Key <code>{key.text ?? key.base64}</code>
          {key.text === null || key.masked ? null : (
            <>
              {' '}
              ·{' '}
              <LinkTo underline="always" to="/follow" search={{ key: key.text }}>
                follow this record
              </LinkTo>
            </>
          )}
        </Text>
      )}
      <RecordLetter topic={topic} record={record} />
      <PayloadBlock of={value} />
      {headers.length === 0 ? null : (
        <Table withTableBorder mt="xs">
          <Table.Tbody>
            {headers.map((header, i) => (
              <Table.Tr key={`${header.key}/${i}`}>
                <Table.Td>{header.key}</Table.Td>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{header.value ?? 'null'}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </div>
  )
}
