import type { Json, Source, SourcePage } from '../../core/index.ts'
import type { TestApi } from './test-api.ts'

/** A source that has at least three pages. */
export interface SourceUnderTest extends AsyncDisposable {
  source: Source<Record<string, unknown>>
  /** The key of a record in its topic. */
  keyOf(record: Record<string, unknown>): string
}

/** What every source keeps (P4). Each test opens its own. */
export function sourceConformance({ test, assert }: TestApi, open: () => Promise<SourceUnderTest>): void {
  const never = new AbortController().signal

  test('reading again from the cursor before a page gives the same records with the same keys', async () => {
    await using under = await open()
    const pages = await take(under, null, 3, never)
    const again = await take(under, pages[0]?.cursor ?? null, 2, never)
    assert.deepEqual(again, pages.slice(1))
    assert.deepEqual(keysOf(under, again), keysOf(under, pages.slice(1)))
  })

  test('the same cursor gives the same page in another process', async () => {
    await using first = await open()
    await using second = await open()
    const [page] = await take(first, null, 1, never)
    const fromHere = await take(first, page?.cursor ?? null, 1, never)
    assert.deepEqual(await take(second, page?.cursor ?? null, 1, never), fromHere)
  })

  test('pages hold records, none of them empty, and each has a key of its own', async () => {
    await using under = await open()
    const pages = await take(under, null, 3, never)
    const keys = keysOf(under, pages)
    assert.deepEqual(keys.length > 0, true)
    assert.deepEqual(new Set(keys).size, keys.length)
    for (const record of pages.flatMap(({ records }) => records)) assert.deepEqual(Object.keys(record).length > 0, true)
  })

  test('a cursor is plain JSON and moves with each page', async () => {
    await using under = await open()
    const cursors = (await take(under, null, 3, never)).map(({ cursor }) => JSON.stringify(cursor))
    assert.deepEqual(new Set(cursors).size, 3)
    const [first = 'null'] = cursors
    const again = await take(under, null, 1, never)
    assert.deepEqual(JSON.parse(first), again[0]?.cursor)
  })

  test('an abort ends the read, between pages and before the first', async () => {
    await using under = await open()
    assert.deepEqual(await outcome(take(under, null, 1, AbortSignal.abort())), 'rejected')
    const stop = new AbortController()
    const reading = take(under, null, 100, stop.signal, () => stop.abort())
    assert.deepEqual(await outcome(reading), 'rejected')
  })
}

/** Pages as what they hold; a source may say more of them, such as when it read them. */
async function take(
  under: SourceUnderTest,
  cursor: Json | null,
  count: number,
  signal: AbortSignal,
  onPage = (): void => {},
): Promise<SourcePage<Record<string, unknown>>[]> {
  const pages: SourcePage<Record<string, unknown>>[] = []
  for await (const { records, cursor: next } of under.source.read(cursor, signal)) {
    pages.push({ records, cursor: next })
    onPage()
    if (pages.length === count) break
  }
  return pages
}

function keysOf(under: SourceUnderTest, pages: readonly SourcePage<Record<string, unknown>>[]): string[] {
  return pages.flatMap(({ records }) => records.map((record) => under.keyOf(record)))
}

function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'resolved',
    () => 'rejected',
  )
}
