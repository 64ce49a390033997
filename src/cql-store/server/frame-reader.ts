import { frameHeaderBytes, readFrameHeader, type FrameHeader } from '../../cql-wire/index.ts'

export type NextFrame =
  | { is: 'wait' }
  | { is: 'frame'; header: FrameHeader; body: Uint8Array }
  | { is: 'too-long'; header: FrameHeader }
  /** The header's first bytes are of another version, or no request: how the rest is to be read is not known. */
  | { is: 'foreign'; version: number }

/** Frames of v1 and v2 have a header of so many bytes: no more of them may come. */
const shortestHeaderBytes = 8

/** Cuts a stream of bytes into frames. A frame within one chunk is a view into it; one in many chunks is put together once. */
export class FrameReader {
  /** Frames are refused beyond this. */
  maxBytes: number
  readonly #versions: { lowest: number; highest: number }
  #chunks: Buffer[] = []
  #bytes = 0
  #needed = shortestHeaderBytes
  #at = 0

  constructor(maxBytes: number, versions: { lowest: number; highest: number }) {
    this.maxBytes = maxBytes
    this.#versions = versions
  }

  /** Bytes that wait for the rest of their frame, and those of the frame that are still to come. */
  get partial(): { heldBytes: number; missingBytes: number } {
    const heldBytes = this.#bytes - this.#at
    return { heldBytes, missingBytes: heldBytes === 0 ? 0 : Math.max(0, this.#needed - heldBytes) }
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
  }

  /** Whatever waits is forgotten. */
  clear(): void {
    this.#chunks = []
    this.#bytes = 0
    this.#at = 0
  }

  next(): NextFrame {
    if (this.#bytes - this.#at < this.#needed) return { is: 'wait' }
    const buffer = this.#joined()
    const first = buffer[this.#at] ?? 0
    if (first > 0x7f || first < this.#versions.lowest || first > this.#versions.highest) {
      return { is: 'foreign', version: first & 0x7f }
    }
    const header = readFrameHeader(buffer, this.#at)
    if (!header) return this.#waitFor(frameHeaderBytes)
    if (header.length > this.maxBytes) return { is: 'too-long', header }
    const end = this.#at + frameHeaderBytes + header.length
    if (buffer.length < end) return this.#waitFor(end - this.#at)
    const body = buffer.subarray(this.#at + frameHeaderBytes, end)
    this.#at = end
    this.#needed = shortestHeaderBytes
    if (end === buffer.length) this.clear()
    return { is: 'frame', header, body }
  }

  #waitFor(bytes: number): NextFrame {
    this.#needed = bytes
    return { is: 'wait' }
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
