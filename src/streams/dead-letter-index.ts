import { type Batch, connectHeaders, names } from '../core/index.ts'
import { letterId, markerOf, type Settlement } from './dead-letter-markers.ts'

/**
 * What became of each dead letter, by reading the topic once: those of a record that failed again after its stream was set back stand for
 * the earlier ones; those of a replay are letters of their own. Without values: some hundred bytes a letter.
 */
export class DeadLetterIndex {
  readonly #newest = new Map<string, string>()
  readonly #open = new Set<string>()
  readonly #settled = new Map<string, Settlement>()

  /** Of what stands in one batch alone. */
  static of(batch: Batch): DeadLetterIndex {
    const index = new DeadLetterIndex()
    index.add(batch)
    return index
  }

  add(batch: Batch): void {
    for (let i = 0; i < batch.count; i++) this.#addRecord(batch, i)
  }

  get openCount(): number {
    return this.#open.size
  }

  isOpen(id: string): boolean {
    return this.#open.has(id)
  }

  /** Null: it is open, another letter stands for it, or there is none. */
  settlementOf(id: string): Settlement | null {
    return this.#settled.get(id) ?? null
  }

  /** False for one that a newer letter of the same record stands for. */
  isShown(id: string): boolean {
    return this.#open.has(id) || this.#settled.has(id)
  }

  #addRecord(batch: Batch, i: number): void {
    const marker = markerOf(batch, i)
    if (marker !== null) {
      // The first one counts; there is no second while one at a time acts on the letters of a stream.
      if (this.#open.delete(marker.id)) this.#settled.set(marker.id, marker.settlement)
      return
    }
    const id = letterId({ partition: batch.partition, offset: batch.offsets[i] ?? -1n })
    const record = recordOf(batch, i) ?? id
    const before = this.#newest.get(record)
    if (before !== undefined) this.#open.delete(before)
    this.#newest.set(record, id)
    this.#open.add(id)
  }
}

/** Names the record that failed, and which of its replays; null where a letter does not say where its record came from. */
function recordOf(batch: Batch, i: number): string | null {
  const headers = batch.headers(i)
  const text = (name: string): string | null => {
    const value = headers.findLast(({ key }) => key === name)?.value
    return value ? Buffer.from(value).toString() : null
  }
  const offset = text(connectHeaders.offset)
  if (offset === null || !/^\d{1,19}$/.test(offset)) return null
  return [text(connectHeaders.topic), text(connectHeaders.partition), offset, text(names.replayOfHeader)].join('/')
}
