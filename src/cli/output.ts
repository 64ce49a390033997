import { plural } from '../core/index.ts'

/** Where a command prints. With `json`, one JSON document (or one a line for streams of things) instead of words. */
export interface Output {
  readonly json: boolean
  /** A line for a person; nothing with --json. */
  line(text?: string): void
  /** The result for scripts; nothing without --json. */
  data(value: unknown): void
  /** Columns aligned, those of numbers to the right, a header first; nothing with --json. */
  table(headers: readonly string[], rows: readonly (readonly unknown[])[], numbers?: readonly string[]): void
}

export function createOutput(json: boolean, write: (text: string) => void = (text) => void process.stdout.write(text)): Output {
  return {
    json,
    line: (text = '') => {
      if (!json) write(`${text}\n`)
    },
    data: (value) => {
      if (json) write(`${JSON.stringify(value, bigintsAsText)}\n`)
    },
    table: (headers, rows, numbers) => {
      if (!json) write(alignColumns(headers, rows, numbers))
    },
  }
}

function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '-'
  return typeof cell === 'string'
    ? cell
    : typeof cell === 'object'
      ? JSON.stringify(cell, bigintsAsText)
      : `${cell as number | bigint | boolean}`
}

/** `12,345,678` */
export function numeral(count: number | bigint): string {
  return count.toLocaleString('en-US')
}

/** `12,345 records`, `1 record` */
export function counted(count: number | bigint, noun: string): string {
  return `${numeral(count)} ${plural(count, noun)}`
}

/** `numbers`: headers of columns that are aligned to the right. */
export function alignColumns(headers: readonly string[], rows: readonly (readonly unknown[])[], numbers: readonly string[] = []): string {
  const isNumber = headers.map((header) => numbers.includes(header))
  const cells = [headers, ...rows].map((row) => row.map(cellText))
  const widths = headers.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const align = (cell: string, column: number): string => {
    if (isNumber[column]) return cell.padStart(widths[column] ?? 0)
    return column === headers.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)
  }
  return cells.map((row) => row.map((cell, column) => align(cell, column)).join('  ') + '\n').join('')
}
