import { names, type Batch } from '../core/index.ts'
import { DeadLetterFollower } from './dead-letter-follower.ts'
import { DeadLetterIndex } from './dead-letter-index.ts'
import { deadLettersOf, readPartition, type DeadLetter, type DeadLetterKafka, type LetterState } from './read-dead-letters.ts'
import { RecentLetters } from './recent-letters.ts'

/** Which letters are asked for; everything left out matches all. */
export interface DeadLetterFilter {
  state?: LetterState
  /** Only those whose record was replayed before. */
  failedAgain?: true
  /** Of this record alone: `topic:partition:offset`. */
  origin?: string
  reason?: string
  /** Records of this time and later, ms. */
  sinceMs?: number
  /** Only those before this one. */
  before?: string
}

export interface DeadLetterPage {
  /** Oldest first. */
  letters: DeadLetter[]
  /** Whether older ones match. */
  hasMore: boolean
  /** All of the stream's, whatever was asked for. */
  counts: Record<LetterState | 'failedAgain', number>
  /** Reasons of those in the state that was asked for, most first. */
  reasons: { reason: string; count: number }[]
}

/** What is kept of a letter: what it is asked for by, without its bytes. */
type Entry = Pick<DeadLetter, 'id' | 'at' | 'reason' | 'topic' | 'partition' | 'offset' | 'timestampMs' | 'replays' | 'replayOf'>

/** Letters that stand closer together are read in one go. */
const nearOffsets = 1_000n
/** Of one fetch for them: what stands behind them is not wanted. */
const fetchBytes = 64 * 1024

/**
 * The dead letters of a stream, kept from one question to the next: each reads only what is new on their topic, and the bytes of those letters alone
 * that are asked for and were not read lately. None when the stream has never had a dead-letter topic.
 */
export class DeadLetterBook {
  readonly #kafka: DeadLetterKafka
  readonly #topic: string
  readonly #follower: DeadLetterFollower
  readonly #recent = new RecentLetters()
  #index = new DeadLetterIndex()
  /** By partition, in offset order. */
  #entries = new Map<number, Entry[]>()
  /** Reasons and topics are few: one text each. */
  #texts = new Map<string, string>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(kafka: DeadLetterKafka, project: string, stream: string) {
    this.#kafka = kafka
    this.#topic = names.deadLetters(project, stream)
    this.#follower = new DeadLetterFollower({
      kafka,
      topic: this.#topic,
      onBatch: (batch) => this.#add(batch),
      onForget: () => this.#forget(),
    })
  }

  /** The newest `limit` letters that match; all when it is left out. */
  page({ filter = {}, limit = Infinity }: { filter?: DeadLetterFilter; limit?: number } = {}): Promise<DeadLetterPage> {
    return this.#ask(async () => {
      const counts = { open: 0, replayed: 0, discarded: 0, failedAgain: 0 }
      const reasons = new Map<string, number>()
      const matching: Entry[] = []
      for (const entry of this.#shown()) {
        const state = this.#stateOf(entry.id)
        counts[state]++
        if (state === 'open' && entry.replays > 0) counts.failedAgain++
        if (!isInState(state, entry, filter)) continue
        reasons.set(entry.reason, (reasons.get(entry.reason) ?? 0) + 1)
        if (matches(entry, filter)) matching.push(entry)
      }
      const letters = await this.#whole(matching.slice(-Math.min(limit, matching.length)))
      const byCount = [...reasons].map(([reason, count]) => ({ reason, count })).toSorted((a, b) => b.count - a.count)
      return { letters, hasMore: matching.length > limit, counts, reasons: byCount }
    })
  }

  /** One letter, and the id of the one that its replay became, if it did; null: there is no such letter. */
  one(id: string): Promise<{ letter: DeadLetter; failedAs: string | null } | null> {
    return this.#ask(async () => {
      let asked: Entry | null = null
      let failedAs: string | null = null
      for (const entry of this.#shown()) {
        if (entry.id === id) asked = entry
        if (entry.replayOf === id) failedAs ??= entry.id
      }
      const [letter] = asked === null ? [] : await this.#whole([asked])
      return letter === undefined ? null : { letter, failedAs }
    })
  }

  /** How many letters are kept, of some 400 bytes each, besides the bytes of a few. */
  get size(): number {
    return [...this.#entries.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** The questions that were asked are answered first; the next one reads all of the topic again. */
  forget(): void {
    void this.#inTurn(async () => this.#follower.forget())
  }

  #ask<T>(answer: () => Promise<T>): Promise<T> {
    return this.#inTurn(() => this.#follower.follow({}, answer))
  }

  /** One question after another: each hears of what was there when it was asked. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  #add(batch: Batch): void {
    this.#index.add(batch)
    const entries = this.#entries.get(batch.partition) ?? []
    this.#entries.set(batch.partition, entries)
    for (const letter of deadLettersOf(batch, this.#index)) {
      const { id, at, reason, topic, partition, offset, timestampMs, replays, replayOf } = letter
      entries.push({ id, at, reason: this.#text(reason), topic: this.#text(topic), partition, offset, timestampMs, replays, replayOf })
      this.#recent.put(letter)
    }
  }

  #forget(): void {
    this.#index = new DeadLetterIndex()
    this.#entries = new Map()
    this.#texts = new Map()
    this.#recent.clear()
  }

  #text(text: string): string {
    const known = this.#texts.get(text)
    if (known === undefined) this.#texts.set(text, text)
    return known ?? text
  }

  /** Without those that a newer one stands for; partition by partition. */
  *#shown(): Iterable<Entry> {
    for (const [, entries] of [...this.#entries].toSorted(([a], [b]) => a - b))
      for (const entry of entries) if (this.#index.isShown(entry.id)) yield entry
  }

  #stateOf(id: string): LetterState {
    return this.#index.settlementOf(id)?.is ?? 'open'
  }

  /** With their bytes, and what became of them by now. */
  async #whole(entries: readonly Entry[]): Promise<DeadLetter[]> {
    const found = new Map(entries.flatMap(({ id }) => this.#recent.get(id) ?? []).map((letter) => [letter.id, letter]))
    const missing = entries.filter(({ id }) => !found.has(id))
    const wanted = new Set(missing.map(({ id }) => id))
    for (const { partition, from, end } of rangesOf(missing))
      await readPartition(this.#kafka, { topic: this.#topic, partition, from: { offset: from }, end, maxBytes: fetchBytes }, (batch) => {
        for (const letter of deadLettersOf(batch, this.#index, (id) => wanted.has(id))) {
          found.set(letter.id, letter)
          this.#recent.put(letter)
        }
      })
    return entries.flatMap(({ id }) => {
      const letter = found.get(id)
      const settlement = this.#index.settlementOf(id)
      return letter === undefined ? [] : [{ ...letter, settlement, state: settlement?.is ?? 'open' }]
    })
  }
}

interface Range {
  partition: number
  from: bigint
  /** Behind the last one. */
  end: bigint
}

/** Of letters by partition and offset. */
function rangesOf(entries: readonly Entry[]): Range[] {
  const ranges: Range[] = []
  for (const { at } of entries) {
    const last = ranges.at(-1)
    if (last?.partition === at.partition && at.offset - last.end < nearOffsets) last.end = at.offset + 1n
    else ranges.push({ partition: at.partition, from: at.offset, end: at.offset + 1n })
  }
  return ranges
}

function isInState(state: LetterState, { replays }: Entry, filter: DeadLetterFilter): boolean {
  return (filter.state === undefined || filter.state === state) && (filter.failedAgain === undefined || replays > 0)
}

function matches(entry: Entry, { reason, sinceMs, before, origin }: DeadLetterFilter): boolean {
  if (origin !== undefined && `${entry.topic}:${entry.partition}:${entry.offset}` !== origin) return false
  if (reason !== undefined && entry.reason !== reason) return false
  if (sinceMs !== undefined && entry.timestampMs < sinceMs) return false
  return before === undefined || isBefore(entry.at, before)
}

function isBefore({ partition, offset }: DeadLetter['at'], id: string): boolean {
  const [otherPartition = '0', otherOffset = '0'] = id.split(':')
  const difference = partition - Number(otherPartition)
  return difference < 0 || (difference === 0 && offset < BigInt(otherOffset))
}
