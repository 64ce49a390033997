import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, type ReactNode } from 'react'
import type { Rows } from '../../api/types.ts'
import './rows-grid.css'

const rowHeight = 33

/** A grid of rows; only those in view are in the page. Values are text to the browser, whatever they hold. */
interface RowsGridProps {
  readonly columns: Rows['columns']
  readonly rows: Rows['rows']
  readonly label: string
  /** Called when the last rows come into view. */
  readonly onEnd?: () => void
}

export function RowsGrid({ columns, rows, label, onEnd }: RowsGridProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  const last = virtual.getVirtualItems().at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 1) onEnd?.()
  }, [last, rows.length, onEnd])
  const template = { gridTemplateColumns: `repeat(${columns.length}, minmax(140px, 1fr))`, minWidth: columns.length * 140 }
  return (
    <div ref={scroller} className="grid" role="table" aria-label={label} aria-rowcount={rows.length + 1} tabIndex={0}>
      <div role="rowgroup" className="grid-head">
        <div role="row" className="grid-row" style={template}>
          {columns.map(({ name, type, masked }) => (
            <div key={name} role="columnheader" className="grid-cell" title={type}>
              {name}
              {masked ? ' (hidden)' : ''}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="grid-body" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index]
          return (
            <div
              key={index}
              role="row"
              aria-rowindex={index + 2}
              className="grid-row grid-placed"
              style={{ ...template, transform: `translateY(${start}px)` }}
            >
              {columns.map(({ name }) => (
                <div key={name} role="cell" className="grid-cell" title={shown(row?.[name])}>
                  {shown(row?.[name])}
                </div>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
