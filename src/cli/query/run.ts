import type { CassandraSession, QueryResult, WriteConsistency } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { formatExpanded, formatRows, type Format } from './rows.ts'
import { placeOf, pointAt, type Statement } from './statements.ts'

/** How statements are run and their rows shown. */
export interface Manner {
  format: Format
  isExpanded: boolean
  /** Rows of a page. */
  pageSize: number
  /** Rows to show at most; null: all. */
  limit: number | null
  consistency: WriteConsistency | null
}

export interface Screen {
  write(text: string): void
  /** Between two pages; false: no more of them. */
  goOn(): Promise<boolean>
}

/** Runs one statement and shows its rows, page after page. Rejects as `query` does. */
export async function runStatement(session: CassandraSession, cql: string, manner: Manner, screen: Screen): Promise<void> {
  let shown = 0
  let pagingState: string | null = null
  for (;;) {
    const page = await session.query(cql, pageOptions(manner, shown, pagingState))
    if (page.columns.length === 0) return screen.write(manner.format === 'table' ? 'done\n' : '')
    const rows = manner.limit === null ? page.rows : page.rows.slice(0, manner.limit - shown)
    screen.write(shownPage({ ...page, rows }, manner, shown))
    shown += rows.length
    pagingState = page.pagingState
    const isEnough = manner.limit !== null && shown >= manner.limit
    if (pagingState === null || isEnough || !(await screen.goOn())) break
  }
  const more = pagingState === null ? '' : ', and there are more'
  if (manner.format === 'table') screen.write(`(${shown} row${shown === 1 ? '' : 's'}${more})\n`)
}

function pageOptions(
  { pageSize, limit, consistency }: Manner,
  shown: number,
  pagingState: string | null,
): Parameters<CassandraSession['query']>[1] {
  return {
    pageSize: limit === null ? pageSize : Math.max(1, Math.min(pageSize, limit - shown)),
    ...(pagingState === null ? {} : { pagingState }),
    ...(consistency === null ? {} : { consistency }),
  }
}

function shownPage(page: QueryResult, { format, isExpanded }: Manner, shown: number): string {
  if (format === 'table' && isExpanded) return formatExpanded(page, shown + 1)
  // A last page may be empty: the names have been shown by then.
  if (format === 'table' && page.rows.length === 0 && shown > 0) return ''
  return formatRows(format, page, shown === 0)
}

/** An error with the place in the statement that it points to. `line`: where the statement begins in its input. */
export function describeFailure(error: unknown, { text, line }: Statement): MillraceError {
  if (!(error instanceof MillraceError)) throw error
  const place = placeOf(text, error.message)
  if (!place) return error
  const at = `line ${line + place.line - 1}, column ${place.column}`
  return new MillraceError(error.code, `${error.message}\n${pointAt(text, place)}\n  at ${at}`, {
    cause: error,
    retriable: error.retriable,
    details: { ...error.details, line: line + place.line - 1, column: place.column },
  })
}
