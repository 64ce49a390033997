import { MillraceError } from '../platform/index.ts'

/** Answers above this are garbage or another protocol: fetches ask for far less. */
const MAX_FRAME_BYTES = 512 * 1024 * 1024

/** Cuts a byte stream into Kafka frames (int32 size, then that many bytes). Each frame is its own buffer: records stay views on it. */
export class FrameAssembler {
  readonly #onFrame: (frame: Uint8Array) => void
  readonly #size = Buffer.alloc(4)
  #sizeFilled = 0
  #frame: Buffer | null = null
  #filled = 0

  constructor(onFrame: (frame: Uint8Array) => void) {
    this.#onFrame = onFrame
  }

  /** The chunk may be reused by the caller afterwards. Throws PROTOCOL on an impossible size. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.byteLength) {
      if (!this.#frame) {
        while (this.#sizeFilled < 4 && at < chunk.byteLength) this.#size[this.#sizeFilled++] = chunk[at++] ?? 0
        if (this.#sizeFilled < 4) return
        this.#begin()
      }
      at += this.#fill(chunk, at)
    }
  }

  #begin(): void {
    const sizeBytes = this.#size.readInt32BE(0)
    if (sizeBytes < 4 || sizeBytes > MAX_FRAME_BYTES) {
      throw new MillraceError('PROTOCOL', `This is no Kafka broker: it announced an answer of ${sizeBytes} bytes.`)
    }
    this.#frame = sizeBytes > 4096 ? Buffer.allocUnsafeSlow(sizeBytes) : Buffer.allocUnsafe(sizeBytes)
    this.#filled = 0
    this.#sizeFilled = 0
  }

  #fill(chunk: Uint8Array, at: number): number {
    const frame = this.#frame
    if (!frame) return 0
    const count = Math.min(frame.byteLength - this.#filled, chunk.byteLength - at)
    frame.set(chunk.subarray(at, at + count), this.#filled)
    this.#filled += count
    if (this.#filled === frame.byteLength) {
      this.#frame = null
      this.#onFrame(frame)
    }
    return count
  }
}
