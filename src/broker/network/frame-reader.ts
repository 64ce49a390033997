/** Cuts a stream of bytes into frames: a size (int32), then so many bytes. */
export class FrameReader {
  /** Largest frame that is taken; may be changed between pushes. */
  maxBytes: number
  readonly #size = Buffer.alloc(4)
  #sizeFilled = 0
  #frame: Buffer | null = null
  #filled = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Appends the frames that are whole now to `into`: views on `chunk` where it holds them whole, else alone in their memory. The text says why the bytes are no frames. */
  push(chunk: Buffer, into: Buffer[]): string | null {
    let at = 0
    while (at < chunk.length) {
      if (this.#frame) {
        at += this.#fill(this.#frame, chunk, at, into)
        continue
      }
      const taken = Math.min(4 - this.#sizeFilled, chunk.length - at)
      chunk.copy(this.#size, this.#sizeFilled, at, at + taken)
      this.#sizeFilled += taken
      at += taken
      if (this.#sizeFilled < 4) return null
      this.#sizeFilled = 0
      const size = this.#size.readInt32BE(0)
      if (size < 0 || size > this.maxBytes) return `a frame of ${size} bytes is not between 0 and ${this.maxBytes}`
      if (at + size <= chunk.length) {
        into.push(chunk.subarray(at, at + size))
        at += size
      } else {
        this.#begin(size, chunk.length - at)
      }
    }
    return null
  }

  /** What a client claims is not allocated before it comes: large frames start small and grow as they fill. */
  #begin(size: number, here: number): void {
    this.#frame = Buffer.allocUnsafeSlow(size <= firstBytes ? size : Math.max(firstBytes, here))
    this.#wanted = size
    this.#filled = 0
  }
  #wanted = 0

  #fill(frame: Buffer, chunk: Buffer, at: number, into: Buffer[]): number {
    const taken = Math.min(this.#wanted - this.#filled, chunk.length - at)
    let room = frame
    if (this.#filled + taken > frame.length) {
      room = Buffer.allocUnsafeSlow(Math.min(this.#wanted, Math.max(frame.length * 2, this.#filled + taken)))
      frame.copy(room, 0, 0, this.#filled)
      this.#frame = room
    }
    chunk.copy(room, this.#filled, at, at + taken)
    this.#filled += taken
    if (this.#filled === this.#wanted) {
      into.push(room)
      this.#frame = null
    }
    return taken
  }
}

const firstBytes = 1 << 20
