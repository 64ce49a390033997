import type { Disk } from '../../platform/index.ts'
import { asBuffer } from './batch-view.ts'

/**
 * An index file of Kafka: entries of fixed width, rising. While its segment grows it lives in memory; `seal` writes it
 * (synced) to the disk, after which it is read again when it is asked for and may be dropped by the collector.
 * Nothing of it is trusted beyond the recovery point: those segments are scanned and their index rebuilt.
 */
export class SparseIndex {
  readonly path: string
  readonly #disk: Disk
  readonly #width: number
  #growing: { bytes: Buffer; used: number } | null
  #sealed: WeakRef<Buffer> | null = null

  constructor(disk: Disk, path: string, width: number, state: 'growing' | 'sealed') {
    this.#disk = disk
    this.path = path
    this.#width = width
    this.#growing = state === 'growing' ? { bytes: Buffer.alloc(width * 16), used: 0 } : null
  }

  get count(): number {
    return this.bytes().length / this.#width
  }

  /** All entries, one after another. */
  bytes(): Buffer {
    if (this.#growing) return this.#growing.bytes.subarray(0, this.#growing.used)
    const cached = this.#sealed?.deref()
    if (cached) return cached
    const read = asBuffer(this.#disk.readFile(this.path))
    const whole = read.subarray(0, read.length - (read.length % this.#width))
    this.#sealed = new WeakRef(whole)
    return whole
  }

  /** Room for one more entry; the caller fills it in. */
  append(): { bytes: Buffer; at: number } {
    const growing = (this.#growing ??= { bytes: Buffer.from(this.bytes()), used: this.bytes().length })
    if (growing.used + this.#width > growing.bytes.length) {
      const larger = Buffer.alloc(Math.max(growing.bytes.length * 2, this.#width * 16))
      growing.bytes.copy(larger, 0, 0, growing.used)
      growing.bytes = larger
    }
    growing.used += this.#width
    return { bytes: growing.bytes, at: growing.used - this.#width }
  }

  /** Drops all entries behind those for which `fits` holds (it holds for a prefix). */
  cut(fits: (bytes: Buffer, at: number) => boolean): void {
    const last = this.last(fits)
    const used = last ? last.at + this.#width : 0
    this.#growing = { bytes: Buffer.from(this.bytes().subarray(0, used)), used }
  }

  /** Writes all entries to the file; they may grow further. */
  save(): void {
    if (this.#growing) this.#disk.replaceFile(this.path, this.bytes())
  }

  /** Writes all entries to the file and forgets them. */
  seal(): void {
    this.save()
    this.#growing = null
  }

  /** Position of the last entry for which `fits` holds (it holds for a prefix), or −1. */
  last(fits: (bytes: Buffer, at: number) => boolean): { bytes: Buffer; at: number } | null {
    const bytes = this.bytes()
    let low = 0
    let high = bytes.length / this.#width
    while (low < high) {
      const middle = (low + high) >>> 1
      if (fits(bytes, middle * this.#width)) low = middle + 1
      else high = middle
    }
    return low === 0 ? null : { bytes, at: (low - 1) * this.#width }
  }
}
