import type { Disk } from '../../platform/index.ts'
import { asBuffer } from './batch-view.ts'

/** A transaction that was aborted in this partition; `lastOffset` is its marker's, `lastStableOffset` the one once that was written. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

/** Version int16 (0), producer id, first, last and last stable offset, int64 each. */
const entryBytes = 34

/**
 * Kafka's `.txnindex` of one segment: the transactions whose abort marker lies in it. Written when the segment is sealed; what
 * lies beyond the recovery point is found again by the scan. A segment without aborts has no file.
 */
export class AbortedIndex {
  readonly #disk: Disk
  readonly #path: string
  #entries: AbortedTransaction[] | null
  #changed = false

  constructor(disk: Disk, path: string, state: 'growing' | 'sealed') {
    this.#disk = disk
    this.#path = path
    this.#entries = state === 'growing' ? [] : null
    // What a growing one finds here is of a segment that was cut.
    this.#changed = state === 'growing' && disk.exists(path)
  }

  get entries(): readonly AbortedTransaction[] {
    this.#entries ??= this.#disk.exists(this.#path) ? readEntries(asBuffer(this.#disk.readFile(this.#path))) : []
    return this.#entries
  }

  append(entry: AbortedTransaction): void {
    this.#entries = [...this.entries, entry]
    this.#changed = true
  }

  /** Forgets what lies at `endOffset` or later. */
  cut(endOffset: number): void {
    const kept = this.entries.filter(({ lastOffset }) => lastOffset < endOffset)
    this.#changed ||= kept.length < this.entries.length
    this.#entries = kept
  }

  save(): void {
    if (!this.#changed) return
    if (this.entries.length === 0) this.#disk.remove(this.#path)
    else this.#disk.replaceFile(this.#path, writeEntries(this.entries))
    this.#changed = false
  }
}

export function writeEntries(entries: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.alloc(entries.length * entryBytes)
  for (const [i, entry] of entries.entries()) {
    const fields = [entry.producerId, entry.firstOffset, entry.lastOffset, entry.lastStableOffset]
    for (const [k, field] of fields.entries()) bytes.writeBigInt64BE(BigInt(field), i * entryBytes + 2 + k * 8)
  }
  return bytes
}

function readEntries(bytes: Buffer): AbortedTransaction[] {
  const entries: AbortedTransaction[] = []
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const field = (k: number): number => Number(bytes.readBigInt64BE(at + 2 + k * 8))
    entries.push({ producerId: field(0), firstOffset: field(1), lastOffset: field(2), lastStableOffset: field(3) })
  }
  return entries
}
