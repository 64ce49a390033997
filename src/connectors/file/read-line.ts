import { messageOf } from '../../platform/index.ts'
import { jsonWithWholeNumbers } from '../json-values.ts'
import { isObject } from '../options-reader.ts'
import { readRow } from './csv-row.ts'
import type { Line } from './line-reader.ts'

/** What a line holds. Nothing: it is empty, or the row of names. */
export type LineContent = { is: 'record'; record: Record<string, unknown> } | { is: 'nothing' } | { is: 'bad'; problem: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @param isTooLong in words, such as "more than 1048576 bytes" */
function textOf({ bytes, isTooLong }: Line, limit: string): { ok: true; text: string } | { ok: false; problem: string } {
  if (isTooLong) return { ok: false, problem: `it is longer than ${limit}` }
  try {
    return { ok: true, text: utf8.decode(bytes) }
  } catch {
    return { ok: false, problem: 'it is no UTF-8' }
  }
}

/** JSON objects, one a line; empty lines are none. */
export function readJsonLine(line: Line, limit: string): LineContent {
  const decoded = textOf(line, limit)
  if (!decoded.ok) return { is: 'bad', problem: decoded.problem }
  if (decoded.text.trim() === '') return { is: 'nothing' }
  try {
    const record = jsonWithWholeNumbers(decoded.text)
    return isObject(record) ? { is: 'record', record } : { is: 'bad', problem: 'it is JSON, but no object' }
  } catch (error) {
    return { is: 'bad', problem: `it is no JSON: ${messageOf(error)}` }
  }
}

export function readCsvLine(
  line: Line,
  { columns, delimiter, limit }: { columns: readonly string[]; delimiter: string; limit: string },
): LineContent {
  const decoded = textOf(line, limit)
  if (!decoded.ok) return { is: 'bad', problem: decoded.problem }
  if (decoded.text === '') return { is: 'nothing' }
  const row = readRow(decoded.text, delimiter)
  if (!row.ok) return { is: 'bad', problem: row.problem }
  if (row.cells.length !== columns.length)
    return { is: 'bad', problem: `it has ${row.cells.length} cells, and there are ${columns.length} columns` }
  return { is: 'record', record: Object.fromEntries(columns.map((column, i) => [column, row.cells[i] ?? null])) }
}

/** The names in a first row, or what is wrong with them. */
export function readColumns(
  line: Line,
  delimiter: string,
  limit: string,
): { ok: true; columns: string[] } | { ok: false; problem: string } {
  const decoded = textOf(line, limit)
  const row = decoded.ok ? readRow(decoded.text, delimiter) : decoded
  if (!row.ok) return row
  const columns = row.cells.map((cell) => cell ?? '')
  if (columns.includes('')) return { ok: false, problem: 'a column has no name' }
  const twice = columns.find((column, i) => columns.indexOf(column) < i)
  return twice === undefined ? { ok: true, columns } : { ok: false, problem: `two columns are named "${twice}"` }
}
