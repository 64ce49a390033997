import type { QueryResult } from '../../cql-client/index.ts'
import { alignColumns } from '../output.ts'

export const formats = ['table', 'json', 'csv'] as const
/** `json`: a document a row and line. `csv`: RFC 4180, the names first, nothing for null, collections as JSON. */
export type Format = (typeof formats)[number]

type Page = Pick<QueryResult, 'columns' | 'rows'>

const numbers = new Set(['int', 'bigint', 'smallint', 'tinyint', 'varint', 'float', 'double', 'decimal', 'counter'])

/** A page of rows as text; `isFirst`: with the names of the columns, where the format has them once. */
export function formatRows(format: Format, { columns, rows }: Page, isFirst: boolean): string {
  const names = columns.map(({ name }) => name)
  switch (format) {
    case 'json':
      return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    case 'csv': {
      const lines = rows.map((row) => names.map((name) => csvCell(row[name])))
      return [...(isFirst ? [names.map(csvCell)] : []), ...lines].map((cells) => `${cells.join(',')}\r\n`).join('')
    }
    case 'table': {
      const right = columns.filter(({ type }) => numbers.has(type)).map(({ name }) => name)
      return alignColumns(
        names,
        rows.map((row) => names.map((name) => tableCell(row[name]))),
        right,
      )
    }
  }
}

/** One row below the other, a line a column. */
export function formatExpanded({ columns, rows }: Page, firstNumber: number): string {
  const width = Math.max(...columns.map(({ name }) => name.length))
  return rows
    .map((row, i) => {
      const lines = columns.map(({ name }) => `${name.padEnd(width)}  ${String(tableCell(row[name]) ?? '-')}\n`)
      return `@ row ${firstNumber + i}\n${lines.join('')}`
    })
    .join('')
}

/** Lines and tabs within a text would tear the table. */
function tableCell(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
  return typeof value === 'number' || typeof value === 'boolean' ? value : JSON.stringify(value)
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // An empty text is not null.
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
