import { WireError } from './wire-error.ts'
import { MAX_STRING_BYTES } from './writer.ts'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Reads Kafka's primitive types (protocol guide, "Protocol Primitive Types") from one buffer, front to back.
 * Bytes come out as views on the buffer, never as copies. Throws {@link WireError} on anything that does not fit.
 */
export class Reader {
  readonly buffer: Buffer
  readonly end: number
  at: number
  readonly #view: DataView

  constructor(bytes: Uint8Array, at = 0) {
    this.buffer = asBuffer(bytes)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
    this.end = bytes.byteLength
  }

  get left(): number {
    return this.end - this.at
  }

  /** Claims `size` bytes and returns where they start. */
  take(size: number): number {
    const start = this.at
    const next = start + size
    if (size < 0 || next > this.end) throw new WireError(`the frame ends at byte ${this.end}, but ${size} bytes are wanted at ${start}`)
    this.at = next
    return start
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return this.#view.getInt8(this.take(1))
  }

  int16(): number {
    return this.#view.getInt16(this.take(2))
  }

  uint16(): number {
    return this.#view.getUint16(this.take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.take(4))
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.take(8))
  }

  float64(): number {
    return this.#view.getFloat64(this.take(8))
  }

  /** UNSIGNED_VARINT: up to 32 bits in groups of seven, least significant first. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.take(1))
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break
        return value
      }
    }
    throw new WireError(`the variable-length number before byte ${this.at} is longer than 32 bits`)
  }

  /** A UUID in canonical hyphenated hexadecimal. */
  uuid(): string {
    const at = this.take(16)
    let text = ''
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) text += '-'
      text += HEX[this.#view.getUint8(at + i)]
    }
    return text
  }

  /** The length before a string: −1 is null. */
  stringLength(flexible: boolean): number {
    return flexible ? this.unsignedVarint() - 1 : this.int16()
  }

  /** The length before bytes, records or an array: −1 is null. */
  length(flexible: boolean): number {
    return flexible ? this.unsignedVarint() - 1 : this.int32()
  }

  string(flexible: boolean): string | null {
    const length = this.stringLength(flexible)
    if (length < 0) return nothing(length)
    if (length > MAX_STRING_BYTES) throw new WireError(`a string of ${length} bytes is too long: ${MAX_STRING_BYTES} at most`)
    const at = this.take(length)
    const text = this.buffer.toString('utf8', at, at + length)
    // What is no UTF-8 is three bytes each from here on: it must be possible to write whatever was read.
    if (length > MAX_STRING_BYTES / 3 && Buffer.byteLength(text) > MAX_STRING_BYTES) throw new WireError('a string is not UTF-8')
    return text
  }

  bytes(flexible: boolean): Uint8Array | null {
    const length = this.length(flexible)
    if (length < 0) return nothing(length)
    const at = this.take(length)
    return this.buffer.subarray(at, at + length)
  }

  /** The count before an array whose elements take at least `minSize` bytes each; a count that cannot fit is refused before anything is allocated. */
  arrayLength(flexible: boolean, minSize: number): number | null {
    const length = this.length(flexible)
    if (length < 0) return nothing(length)
    if (length * minSize > this.left) throw new WireError(`an array of ${length} elements cannot fit into the ${this.left} bytes left`)
    return length
  }

  /** Skips a section of tagged fields (KIP-482) that nobody asked for. */
  skipTaggedFields(): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      this.unsignedVarint()
      this.take(this.unsignedVarint())
    }
  }
}

function nothing(length: number): null {
  if (length !== -1) throw new WireError(`a length of ${length} is negative`)
  return null
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
