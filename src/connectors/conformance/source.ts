import type { Source, SourcePage } from '../../core/index.ts'
import { takePages } from './take-pages.ts'
import type { TestApi } from './test-api.ts'

/** A source that has at least three pages. */
export interface SourceUnderTest extends AsyncDisposable {
  source: Source<Record<string, unknown>>
  /** The key of a record in its topic. */
  keyOf(record: Record<string, unknown>): string
}

/**
 * What every source keeps (P4), whether it can read a page again or not: a webhook cannot, what it was sent is with nobody else once it
 * has said that it has it. Such a source keeps instead what its own tests show: it says so only when the page is committed, which it knows by
 * being asked for the next. Each test opens its own.
 */
export function sourceConformance({ test, assert }: TestApi, open: () => Promise<SourceUnderTest>): void {
  test('pages hold records, none of them empty, and each has a key of its own', async () => {
    await using under = await open()
    const pages = await takePages(under.source, null, { count: 3 })
    const keys = keysOf(under, pages)
    assert.deepEqual(keys.length > 0, true)
    assert.deepEqual(new Set(keys).size, keys.length)
    for (const record of pages.flatMap(({ records }) => records)) assert.deepEqual(Object.keys(record).length > 0, true)
  })

  test('a cursor is plain JSON and moves with each page', async () => {
    await using under = await open()
    const cursors = (await takePages(under.source, null, { count: 3 })).map(({ cursor }) => cursor)
    assert.deepEqual(new Set(cursors.map((cursor) => JSON.stringify(cursor))).size, 3)
    assert.deepEqual(JSON.parse(JSON.stringify(cursors)), cursors)
  })

  test('who ends the read after a page can go on later at its cursor', async () => {
    await using under = await open()
    const [first] = await takePages(under.source, null, { count: 1 })
    const rest = await takePages(under.source, first?.cursor ?? null, { count: 2 })
    const keys = keysOf(under, [...(first ? [first] : []), ...rest])
    assert.deepEqual(new Set(keys).size, keys.length)
    assert.deepEqual(rest.length, 2)
  })

  test('an abort ends the read, between pages and before the first', async () => {
    await using under = await open()
    assert.deepEqual(await outcome(takePages(under.source, null, { count: 1, signal: AbortSignal.abort() })), 'rejected')
    const stop = new AbortController()
    const reading = takePages(under.source, null, { count: 100, signal: stop.signal, onPage: () => stop.abort() })
    assert.deepEqual(await outcome(reading), 'rejected')
  })
}

/** What every source keeps, and what those keep besides that can read a page again: all that poll, and read what lies somewhere. */
export function rereadableSourceConformance(api: TestApi, open: () => Promise<SourceUnderTest>): void {
  const { test, assert } = api
  sourceConformance(api, open)

  test('reading again from the cursor before a page gives the same records with the same keys', async () => {
    await using under = await open()
    const pages = await takePages(under.source, null, { count: 3 })
    const again = await takePages(under.source, pages[0]?.cursor ?? null, { count: 2 })
    assert.deepEqual(held(again), held(pages.slice(1)))
    assert.deepEqual(keysOf(under, again), keysOf(under, pages.slice(1)))
  })

  test('reading from the beginning again gives the same cursors', async () => {
    await using under = await open()
    const pages = await takePages(under.source, null, { count: 3 })
    const again = await takePages(under.source, null, { count: 3 })
    assert.deepEqual(
      again.map(({ cursor }) => cursor),
      pages.map(({ cursor }) => cursor),
    )
  })

  test('the same cursor gives the same page in another process', async () => {
    await using first = await open()
    await using second = await open()
    const [page] = await takePages(first.source, null, { count: 1 })
    const at = page?.cursor ?? null
    const fromHere = await takePages(first.source, at, { count: 1 })
    assert.deepEqual(held(await takePages(second.source, at, { count: 1 })), held(fromHere))
  })
}

/** What pages hold; a source may say more of them, such as when it read them. */
function held(pages: readonly SourcePage<Record<string, unknown>>[]): SourcePage<Record<string, unknown>>[] {
  return pages.map(({ records, cursor }) => ({ records, cursor }))
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
