import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef, type ReactNode } from 'react'
import type { Rows } from '../../api/types.ts'
import './rows-grid.css'

const rowHeight = 33

/** A grid of rows; only those in view are in the page. Values are text to the browser, whatever they hold. */
export function RowsGrid({ columns, rows, label }: { columns: Rows['columns']; rows: Rows['rows']; label: string }): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
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
