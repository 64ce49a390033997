import type { Json, SourcePage } from '../../core/index.ts'

type Page = SourcePage<Record<string, unknown>>

interface TakePages {
  /** At most so many; all that there are when left out. */
  count?: number
  signal?: AbortSignal
  onPage?: (page: Page) => void
}

/** The pages that a source gives from a cursor on, for tests. */
export async function takePages<P extends Page>(
  source: { read(cursor: Json | null, signal: AbortSignal): AsyncIterable<P> },
  cursor: Json | null,
  { count = Number.POSITIVE_INFINITY, signal = new AbortController().signal, onPage = () => {} }: TakePages = {},
): Promise<P[]> {
  const pages: P[] = []
  for await (const page of source.read(cursor, signal)) {
    pages.push(page)
    onPage(page)
    if (pages.length === count) break
  }
  return pages
}
