import { frameHeaderBytes, readFrameHeader, type FrameHeader } from '../../cql-wire/index.ts'

export type NextFrame = { is: 'wait' } | { is: 'frame'; header: FrameHeader; body: Uint8Array } | { is: 'too-long'; header: FrameHeader }

/** Cuts a stream of bytes into frames. A frame within one chunk is a view into it; one in many chunks is put together once. */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #bytes = 0
  #needed = frameHeaderBytes
  #at = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
  }

  next(): NextFrame {
    if (this.#bytes - this.#at < this.#needed) return { is: 'wait' }
    const buffer = this.#joined()
    const header = readFrameHeader(buffer, this.#at)
    if (!header) return { is: 'wait' }
    if (header.length > this.#maxBytes) return { is: 'too-long', header }
    const end = this.#at + frameHeaderBytes + header.length
    if (buffer.length < end) {
      this.#needed = end - this.#at
      return { is: 'wait' }
    }
    const body = buffer.subarray(this.#at + frameHeaderBytes, end)
    this.#at = end
    this.#needed = frameHeaderBytes
    if (end === buffer.length) {
      this.#chunks = []
      this.#bytes = 0
      this.#at = 0
    }
    return { is: 'frame', header, body }
  }

  #joined(): Buffer {
    const [first] = this.#chunks
    if (first && this.#chunks.length === 1) return first
    const joined = Buffer.concat(this.#chunks).subarray(this.#at)
    this.#chunks = [joined]
    this.#bytes = joined.length
    this.#at = 0
    return joined
  }
}
