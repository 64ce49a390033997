/** Smaller ones are not worth keeping. */
const leastBytes = 16 * 1024
const mostBytes = 4 * 1024 * 1024
/** Of all that are kept. */
const mostKeptBytes = 8 * 1024 * 1024

/** Memory of answers, used again: left to the garbage collector, that of a scan's pages lies about by tens of megabytes. */
export class SpareBuffers {
  #spare: Buffer[] = []
  #keptBytes = 0

  /** A buffer of `sizeBytes` or more, with anything in it. */
  take(sizeBytes: number): Buffer {
    const found = this.#spare.findIndex(({ length }) => length >= sizeBytes && length <= 8 * sizeBytes)
    const [buffer] = found < 0 ? [] : this.#spare.splice(found, 1)
    this.#keptBytes -= buffer?.length ?? 0
    // Powers of two: what one answer leaves is likely to fit the next.
    return buffer ?? Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(sizeBytes)))
  }

  /** Nobody may look into `buffer` from now on. */
  giveBack(buffer: Buffer): void {
    const { length } = buffer
    if (length < leastBytes || length > mostBytes || this.#keptBytes + length > mostKeptBytes) return
    this.#spare.push(buffer)
    this.#keptBytes += length
  }
}

/** This thread's. */
export const spareBuffers = new SpareBuffers()
