import { keepPreviousData, useInfiniteQuery, type InfiniteData, type UseInfiniteQueryResult } from '@tanstack/react-query'
import { get, pathOf } from '../../api/client.ts'
import type { DeadLetter, DeadLetterDetail, DeadLetterPage } from '../../api/types.ts'

/** Of the API, in the order in which they are offered. */
export const letterStates = ['open', 'failed-again', 'replayed', 'discarded', 'all'] as const
export type LetterState = (typeof letterStates)[number]

export function isLetterState(text: string | undefined): text is LetterState {
  return letterStates.some((state) => state === text)
}

/** What the URL asks for. */
export interface LetterFilter {
  readonly streams: readonly string[]
  readonly state: LetterState
  readonly reason: string | undefined
  /** `15m`, `24h`, `7d`: so long before now; or a time, ISO 8601. */
  readonly since: string | undefined
}

/** Names a letter among those of all streams. */
export interface LetterName {
  readonly stream: string
  readonly id: string
}

/** As the URL has it: `stream/partition:offset`. */
export function letterText({ stream, id }: LetterName): string {
  return `${stream}/${id}`
}

export function letterNamed(text: string): LetterName {
  const at = text.lastIndexOf('/')
  return { stream: text.slice(0, Math.max(at, 0)), id: text.slice(at + 1) }
}

/** By stream, the letter before which to go on; those that were read to the end are left out. */
type Cursors = Readonly<Record<string, string | null>>

export interface LetterSlice {
  readonly letters: readonly DeadLetter[]
  readonly next: Cursors | null
  readonly counts: DeadLetterPage['counts']
  readonly reasons: DeadLetterPage['reasons']
}

const pageSize = 200
const refetchMs = 4_000

/** The letters that match, a slice of each stream at a time, newest first; asked again while no more than the first slice is shown. */
export function useLetters(filter: LetterFilter): UseInfiniteQueryResult<InfiniteData<LetterSlice>> {
  return useInfiniteQuery({
    queryKey: ['dead-letters', 'list', filter],
    queryFn: ({ pageParam, signal }) => slice(filter, pageParam, pageSize, signal),
    initialPageParam: Object.fromEntries(filter.streams.map((stream) => [stream, null])) as Cursors,
    getNextPageParam: ({ next }) => next,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) > 1 ? false : refetchMs),
    placeholderData: keepPreviousData,
    enabled: filter.streams.length > 0,
  })
}

/** Names all that match and are open, page by page; `onFound` is told how many there are so far. */
export async function openLetters(filter: LetterFilter, onFound: (count: number) => void, signal: AbortSignal): Promise<LetterName[]> {
  const open: LetterFilter = { ...filter, state: filter.state === 'failed-again' ? 'failed-again' : 'open' }
  const names: LetterName[] = []
  let next: Cursors | null = Object.fromEntries(filter.streams.map((stream) => [stream, null]))
  while (next !== null) {
    const { letters, next: after }: LetterSlice = await slice(open, next, 500, signal)
    names.push(...letters.map(({ stream, id }) => ({ stream, id })))
    onFound(names.length)
    next = after
  }
  return names
}

async function slice(filter: LetterFilter, cursors: Cursors, limit: number, signal: AbortSignal): Promise<LetterSlice> {
  const asked = Object.entries(cursors)
  const pages = await Promise.all(asked.map(([stream, before]) => lettersOf(stream, { ...filter, before, limit }, signal)))
  const letters = pages.flatMap((page) => page.letters)
  const next = asked.flatMap(([stream], i): [string, string][] => {
    const before = pages[i]?.next ?? null
    return before === null ? [] : [[stream, before]]
  })
  return {
    letters: pages.length === 1 ? letters : letters.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)),
    next: next.length === 0 ? null : Object.fromEntries(next),
    counts: {
      open: sum(pages.map(({ counts }) => counts.open)),
      replayed: sum(pages.map(({ counts }) => counts.replayed)),
      discarded: sum(pages.map(({ counts }) => counts.discarded)),
      failedAgain: sum(pages.map(({ counts }) => counts.failedAgain)),
    },
    reasons: together(pages.flatMap(({ reasons }) => reasons)),
  }
}

interface PageQuery extends Omit<LetterFilter, 'streams'> {
  readonly before: string | null
  readonly limit: number
}

export function lettersOf(
  stream: string,
  { state, reason, since, before, limit }: PageQuery,
  signal?: AbortSignal,
): Promise<DeadLetterPage> {
  return get(
    `/dead-letters${pathOf(stream)}`,
    { state, reason, since: since === undefined ? undefined : timeOf(since), before: before ?? undefined, limit },
    signal,
  )
}

export function letterOf({ stream, id }: LetterName, signal?: AbortSignal): Promise<DeadLetterDetail> {
  return get(`/dead-letters${pathOf(stream, id)}`, {}, signal)
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** ISO 8601 of `15m`, `24h`, `7d` before now; what is neither that nor a time goes to the API as it is, which says so. */
function timeOf(text: string): string {
  const [, number, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  return number === undefined ? text : new Date(Date.now() - Number(number) * (unitMs[unit] ?? 0)).toISOString()
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0)
}

function together(reasons: DeadLetterPage['reasons']): DeadLetterPage['reasons'] {
  const counts = new Map<string, number>()
  for (const { reason, count } of reasons) counts.set(reason, (counts.get(reason) ?? 0) + count)
  return [...counts].map(([reason, count]) => ({ reason, count })).toSorted((a, b) => b.count - a.count)
}
