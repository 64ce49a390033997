import { GrowingBuffer } from './growing-buffer.ts'
import type { StoredRecord } from './sorted-store.ts'

const slabBytes = 1024 * 1024
const roomForAGroup = 64 * 1024
/** Slabs kept for the next groups when nothing refers to them any more. */
const mostSpareSlabs = 8

/** Bytes before a group's records: u32 length of what follows the header, u32 its CRC-32C. */
export const groupHeaderBytes = 8

/**
 * Where mutations are written before they go to the commit log: groups one after another in slabs of a megabyte. The memtable
 * keeps views into the slabs, so that a value is copied once, from the socket's buffer to here. A group never moves once it is taken.
 * Slabs are used again when their records are applied: left to the garbage collector, some hundred megabytes of them would lie about.
 */
export class MutationBuffer extends GrowingBuffer {
  #groupStart = 0
  #recordStart = 0
  #mark = 0
  #marks = 0
  /** Relative to the group's start, four for each record: start and end of its key, start and end of its value. */
  #places: number[] = []
  readonly #spare: Buffer[] = []

  constructor() {
    super(slabBytes)
    this.length = groupHeaderBytes
  }

  override ensure(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const used = this.length - this.#groupStart
    const slab = used + more <= slabBytes ? this.#slab() : Buffer.allocUnsafeSlow((used + more) * 2)
    this.bytes.copy(slab, 0, this.#groupStart, this.length)
    this.#recordStart -= this.#groupStart
    this.#mark -= this.#groupStart
    this.bytes = slab
    this.#groupStart = 0
    this.length = used
  }

  get isEmpty(): boolean {
    return this.#places.length === 0
  }

  /** Bytes in the present group. */
  override get groupBytes(): number {
    return this.length - this.#groupStart
  }

  /** Begins the records of one statement: they are logged together or not at all. */
  begin(): void {
    this.#mark = this.length
    this.#marks = this.#places.length
  }

  /** Takes back what was written since {@link begin}. */
  rollback(): void {
    this.length = this.#mark
    this.#places.length = this.#marks
  }

  get bytesSinceBegin(): number {
    return this.length - this.#mark
  }

  /** The records written since {@link begin}: views, until more is written. */
  sinceBegin(): StoredRecord[] {
    const view = (from = 0, to = 0): Buffer => this.bytes.subarray(this.#groupStart + from, this.#groupStart + to)
    const records: StoredRecord[] = []
    for (let i = this.#marks; i < this.#places.length; i += 4) {
      const [keyStart, keyEnd, start, end] = this.#places.slice(i, i + 4)
      records.push({ key: view(keyStart, keyEnd), record: view(start, end) })
    }
    return records
  }

  beginRecord(key: Uint8Array): void {
    this.u16(key.length)
    this.raw(key)
    this.u32(0)
    this.#recordStart = this.length
    const valueAt = this.length - this.#groupStart
    this.#places.push(valueAt - 4 - key.length, valueAt - 4, valueAt)
  }

  endRecord(): void {
    this.bytes.writeUInt32BE(this.length - this.#recordStart, this.#recordStart - 4)
    this.#places.push(this.length - this.#groupStart)
  }

  /** Ends the group: its bytes (header still unset) and the places of its records. The next group begins empty. */
  take(): { bytes: Buffer; places: readonly number[]; slab: Buffer } {
    const group = { bytes: this.bytes.subarray(this.#groupStart, this.length), places: this.#places, slab: this.bytes }
    this.#places = []
    if (this.length + roomForAGroup > this.bytes.length) {
      this.bytes = this.#slab()
      this.length = 0
    }
    this.#groupStart = this.length
    this.length += groupHeaderBytes
    return group
  }

  /** Gives back a slab into which no record that somebody holds points any more. */
  recycle(slab: Buffer): void {
    if (slab !== this.bytes && slab.length === slabBytes && this.#spare.length < mostSpareSlabs) this.#spare.push(slab)
  }

  #slab(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
  }
}
