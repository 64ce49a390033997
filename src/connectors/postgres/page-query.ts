import type { QueryArrayResult } from 'pg'
import { readerOf } from './values.ts'

/** The statement of a page, its values as text. */
export interface PageStatement {
  text: string
  values: string[]
}

/** Keyset paging (PostgreSQL, 9.24.5 "Row Constructor Comparison"): the rows behind `after`, and one more than the page holds. */
export function pageStatement(query: string, columns: readonly string[], after: readonly string[] | null, batch: number): PageStatement {
  const named = columns.map((column) => `page."${column.replaceAll('"', '""')}"`)
  const places = named.map((_, i) => `$${i + 1}`)
  const where = after === null ? '' : `WHERE (${named.join(', ')}) > (${places.join(', ')}) `
  // On lines of its own: the query may end in a comment.
  const text = `SELECT * FROM (\n${query}\n) AS page ${where}ORDER BY ${named.join(', ')} LIMIT ${batch + 1}`
  return { text, values: [...(after ?? [])] }
}

export type QueriedPage =
  { ok: true; records: Record<string, unknown>[]; after: string[] | null; isFull: boolean } | { ok: false; problem: string }

/** As PostgreSQL writes it, or null. */
type Cell = string | null

/**
 * The page of an answer. A full one ends where the cursor's values change, so that rows that have the same are not parted: those behind
 * the cut would never be read.
 */
export function queriedPage(
  { fields, rows }: Pick<QueryArrayResult<Cell[]>, 'fields' | 'rows'>,
  columns: readonly string[],
  batch: number,
): QueriedPage {
  const names = fields.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) return { ok: false, problem: `the query has two columns "${twice}": name one of them otherwise` }
  const places = columns.map((column) => names.indexOf(column))
  const unknown = columns.find((_, i) => places[i] === -1)
  if (unknown !== undefined) return { ok: false, problem: `the query has no column "${unknown}"; it has ${names.join(', ')}` }
  const keyOf = (row: Cell[] | undefined): Cell[] => places.map((place) => row?.[place] ?? null)
  const isFull = rows.length > batch
  const count = isFull ? cutOf(rows.map(keyOf), batch) : rows.length
  if (count === 0 && isFull)
    return {
      ok: false,
      problem: `more than ${batch} rows have the same ${columns.join(', ')} (${keyOf(rows[0]).join(', ')}): name a further column in cursor, so that each row has its own, or make batch larger`,
    }
  const page = rows.slice(0, count)
  const nulls = page.map(keyOf).find((key) => key.includes(null))
  if (nulls !== undefined)
    return { ok: false, problem: `a row has no value in ${columns[nulls.indexOf(null)]}: leave such rows out in the query` }
  const readers = fields.map(({ dataTypeID }) => readerOf(dataTypeID))
  const records = page.map((row) => Object.fromEntries(names.map((name, i) => [name, valueOf(row[i] ?? null, readers[i])])))
  const last = keyOf(page.at(-1)).filter((value) => value !== null)
  return { ok: true, records, after: page.length === 0 ? null : last, isFull }
}

function valueOf(text: Cell, read: ((text: string) => unknown) | undefined): unknown {
  return text === null || read === undefined ? text : read(text)
}

function cutOf(keys: readonly Cell[][], batch: number): number {
  const isSame = (a: number, b: number): boolean => keys[a]?.every((value, i) => value === keys[b]?.[i]) ?? false
  let count = batch
  while (count > 0 && isSame(count - 1, count)) count--
  return count
}
