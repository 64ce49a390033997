import { places } from './history.ts'

/** What is known of a transaction: `ending` when its commit was asked for, and nobody heard whether it counts. */
export interface Transaction {
  readonly id: string
  state: 'open' | 'ending' | 'committed' | 'aborted'
  /** Committed with it, for the group of its producer. */
  offset: number | null
}

/** One record that somebody tried to write. */
export interface Sent {
  readonly id: string
  readonly place: number
  readonly key: string
  readonly isTombstone: boolean
  readonly timestampMs: number
  readonly transaction: Transaction | null
  /** Where it lies, as soon as anybody was told or has seen it. */
  offset: number | null
  /** What an answer promised: to survive the process (acks=1), or the power too. */
  promise: 'none' | 'process' | 'power'
  seen: boolean
}

export interface Found {
  readonly offset: number
  readonly id: string
}

/** What one reader found between two offsets. */
export interface Reading {
  readonly place: number
  readonly from: number
  readonly next: number
  readonly committed: boolean
  /** From the first offset to the last: what superseded a record is in it. */
  readonly isWhole: boolean
  readonly found: readonly Found[]
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly nowMs: number
}

/** What a broker did that it must not do. */
export class Violation extends Error {}

export const retentionMs = 40_000

/** What the broker promised, and what its readers saw: everything that comes after must agree with it. */
export class Model {
  readonly #sent = new Map<string, Sent>()
  readonly #at = places.map(() => new Map<number, Sent>())
  readonly #high = places.map(() => 0)
  readonly #stable = places.map(() => 0)
  /** Up to where somebody asked to delete. */
  readonly deletedTo = places.map(() => 0)

  /** The highest that anybody has seen. */
  highWatermark(place: number): number {
    return this.#high[place] ?? 0
  }

  send(record: Omit<Sent, 'offset' | 'promise' | 'seen'>): Sent {
    const sent: Sent = { ...record, offset: null, promise: 'none', seen: false }
    this.#sent.set(sent.id, sent)
    return sent
  }

  /** An answer said where the record lies. */
  acknowledge(sent: Sent, offset: number, promise: 'process' | 'power'): void {
    this.#place(sent, offset, 'was acknowledged')
    if (sent.promise !== 'power') sent.promise = promise
  }

  #place(sent: Sent, offset: number, what: string): void {
    const name = `record ${sent.id} of ${nameOf(sent.place)}`
    if (sent.offset !== null && sent.offset !== offset) throw new Violation(`${name} ${what} at ${offset}, and at ${sent.offset} before`)
    const other = this.#at[sent.place]?.get(offset)
    if (other && other !== sent) throw new Violation(`${name} ${what} at ${offset}, where ${other.id} was before`)
    sent.offset = offset
    this.#at[sent.place]?.set(offset, sent)
  }

  /** Without power, what was promised to survive the process alone may be gone, unless somebody has seen it. */
  losePower(): void {
    for (const sent of this.#sent.values()) {
      if (sent.promise === 'power' || sent.seen || sent.offset === null) continue
      this.#at[sent.place]?.delete(sent.offset)
      sent.offset = null
      sent.promise = 'none'
    }
  }

  read(reading: Reading): void {
    const { place, from, next, highWatermark, lastStableOffset } = reading
    if (highWatermark < (this.#high[place] ?? 0))
      throw new Violation(`the high watermark of ${nameOf(place)} fell to ${highWatermark} from ${this.#high[place]}`)
    if (lastStableOffset < (this.#stable[place] ?? 0))
      throw new Violation(`the last stable offset of ${nameOf(place)} fell to ${lastStableOffset} from ${this.#stable[place]}`)
    if (lastStableOffset > highWatermark) throw new Violation(`the last stable offset of ${nameOf(place)} is above the high watermark`)
    if (next > (reading.committed ? lastStableOffset : highWatermark))
      throw new Violation(`readers of ${nameOf(place)} were given ${next}, beyond ${highWatermark} / ${lastStableOffset}`)
    this.#high[place] = highWatermark
    this.#stable[place] = lastStableOffset
    let before = from - 1
    for (const found of reading.found) {
      if (found.offset <= before) throw new Violation(`offset ${found.offset} of ${nameOf(place)} came behind ${before}`)
      before = found.offset
      this.#see(reading, found)
    }
    this.#lookForMissing(reading)
  }

  #see({ place, committed }: Reading, { offset, id }: Found): void {
    const sent = this.#sent.get(id)
    if (!sent || sent.place !== place) throw new Violation(`${nameOf(place)} has a record ${id} at ${offset} that nobody wrote there`)
    this.#place(sent, offset, 'was read')
    sent.seen = true
    const { transaction } = sent
    if (!committed || !transaction) return
    if (transaction.state === 'ending') transaction.state = 'committed'
    if (transaction.state !== 'committed')
      throw new Violation(`record ${id} was read as committed; its transaction ${transaction.id} is ${transaction.state}`)
  }

  #lookForMissing(reading: Reading): void {
    const { place, from, next, committed, logStartOffset } = reading
    const there = new Set(reading.found.map(({ offset }) => offset))
    for (const [offset, sent] of this.#at[place] ?? []) {
      if (offset < logStartOffset) this.#mayBeDeleted(sent, offset, reading)
      if (offset < Math.max(from, logStartOffset) || offset >= next || there.has(offset)) continue
      const { transaction } = sent
      if (committed && transaction && transaction.state !== 'committed') {
        if (transaction.state === 'ending' && !this.#mayBeCompacted(sent, reading)) transaction.state = 'aborted'
        continue
      }
      if (!this.#mayBeCompacted(sent, reading))
        throw new Violation(
          `record ${sent.id} is missing at ${offset} of ${nameOf(place)} for readers of ${from} to ${next}${committed ? ', committed' : ''}`,
        )
    }
  }

  #mayBeDeleted(sent: Sent, offset: number, { place, logStartOffset, nowMs }: Reading): void {
    const aged = places[place]?.topic === 'log' && nowMs - sent.timestampMs > retentionMs
    if (!aged && offset >= (this.deletedTo[place] ?? 0))
      throw new Violation(`record ${sent.id} at ${offset} of ${nameOf(place)} is young, and the log begins at ${logStartOffset}`)
  }

  /** Compaction may take a record that a later one of its key supersedes, that is a tombstone, or was aborted. */
  #mayBeCompacted(sent: Sent, { place, isWhole }: Reading): boolean {
    if (places[place]?.topic !== 'kept') return false
    if (sent.isTombstone || (sent.transaction && sent.transaction.state !== 'committed')) return true
    for (const other of this.#sent.values()) {
      if (other.place !== place || other.key !== sent.key || !['committed', 'ending'].includes(other.transaction?.state ?? 'committed'))
        continue
      // Of a tombstone that nobody was told of there need be no trace.
      if (other.offset === null ? !isWhole || other.isTombstone : other.offset > (sent.offset ?? 0)) return true
    }
    return false
  }
}

export function nameOf(place: number): string {
  const at = places[place]
  return `${at?.topic}-${at?.partition}`
}
