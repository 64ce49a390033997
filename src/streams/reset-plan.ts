import { MillraceError } from '../platform/index.ts'

/** Where a stream is to go on. */
export type Place = { is: 'earliest' } | { is: 'latest' } | { is: 'offset'; offset: bigint } | { is: 'time'; ms: number }

/** A day, or a moment with its zone: one without would mean another moment on another machine. */
const isoTime = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/

/** @throws MillraceError BAD_REQUEST for what is none */
export function placeOf(text: string): Place {
  if (text === 'earliest' || text === 'latest') return { is: text }
  if (/^\d{1,18}$/.test(text)) return { is: 'offset', offset: BigInt(text) }
  const ms = isoTime.test(text) ? Date.parse(text) : NaN
  if (ms >= 0) return { is: 'time', ms }
  throw new MillraceError(
    'BAD_REQUEST',
    `"${text.slice(0, 60)}" is no place in a topic: write earliest, latest, an offset such as 120, or a time with its zone such as 2026-01-31T12:00:00Z.`,
  )
}

/** A partition as it stands. */
export interface PartitionStanding {
  partition: number
  committed: { offset: bigint; metadata: string } | null
  earliest: bigint
  /** The end of what is committed in it. */
  latest: bigint
  /** Where the wanted time begins; null when none is wanted. */
  atTime: bigint | null
}

export interface Move {
  partition: number
  from: bigint | null
  to: bigint
  /** Offsets `[first, end)` that are read again, or never. */
  again: [first: bigint, end: bigint] | null
  skipped: [first: bigint, end: bigint] | null
  note: string | null
}

/** What becomes of each partition; of those that stay where they are nothing. */
export function planMoves(partitions: readonly PartitionStanding[], place: Place, startingOffsets: 'earliest' | 'latest'): Move[] {
  return partitions.flatMap((standing) => {
    const { partition, committed } = standing
    const { to, note } = destinationOf(standing, place)
    const stands = standsAt(standing, startingOffsets)
    if (to === (committed?.offset ?? stands.at)) return []
    return [
      {
        partition,
        from: committed?.offset ?? null,
        to,
        again: to < stands.at ? [to, stands.at] : null,
        skipped: to > stands.at ? [stands.at, to] : null,
        note: [note, stands.note].filter((each) => each !== null).join('; ') || null,
      },
    ]
  })
}

/** Never outside of what is there: the stream would stop at OFFSET_OUT_OF_RANGE. */
function destinationOf({ earliest, latest, atTime }: PartitionStanding, place: Place): { to: bigint; note: string | null } {
  if (place.is === 'earliest') return { to: earliest, note: null }
  if (place.is === 'latest') return { to: latest, note: null }
  const wanted = place.is === 'offset' ? place.offset : (atTime ?? latest)
  if (wanted < earliest) return { to: earliest, note: place.is === 'offset' ? `the log begins at ${earliest}` : null }
  if (wanted > latest) return { to: latest, note: place.is === 'offset' ? `the log ends at ${latest}` : null }
  const isPast = place.is === 'time' && wanted === latest
  return { to: wanted, note: isPast ? 'no record is as late as that' : null }
}

/** From where the stream would go on. */
function standsAt(
  { committed, earliest, latest }: PartitionStanding,
  starting: 'earliest' | 'latest',
): { at: bigint; note: string | null } {
  if (committed === null) return { at: starting === 'earliest' ? earliest : latest, note: null }
  const { offset } = committed
  if (offset < earliest) return { at: earliest, note: `offsets ${offset} to ${earliest - 1n} are in the log no more` }
  // The topic was cut, or made anew: of what is in it now nothing is known to have been read.
  if (offset > latest) return { at: earliest, note: `what was committed, ${offset}, lies behind the log's end, ${latest}` }
  return { at: offset, note: null }
}
