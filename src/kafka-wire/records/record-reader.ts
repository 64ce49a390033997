import { asBuffer } from '../reader.ts'
import { WireError } from '../wire-error.ts'

/** Reads the zigzag variable-length numbers of records, front to back. Throws {@link WireError} at the end of the bytes. */
export class RecordReader {
  readonly buffer: Buffer
  at: number
  readonly end: number

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.buffer = asBuffer(bytes)
    this.at = at
    this.end = end
  }

  byte(): number {
    const at = this.at
    if (at >= this.end) throw cutShort(this.end)
    this.at = at + 1
    return this.buffer[at] ?? 0
  }

  /** A zigzag number of up to 32 bits. */
  varint(): number {
    let byte = this.byte()
    let value = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) throw new WireError(`the number before byte ${this.at} is longer than 32 bits`)
      byte = this.byte()
      value |= (byte & 0x7f) << shift
    }
    return (value >>> 1) ^ -(value & 1)
  }

  /**
   * A zigzag number of up to 64 bits. Exact up to 2^53, which is far beyond any time in milliseconds; rounded from there on,
   * because a bigint per record would be an allocation per record.
   */
  varlong(): number {
    const start = this.at
    let byte = this.byte()
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    const isNegative = (byte & 1) === 1
    let value = (byte & 0x7f) >>> 1
    let weight = 64
    while (byte >= 0x80) {
      if (this.at - start >= 10) throw new WireError(`the number before byte ${this.at} is longer than 64 bits`)
      byte = this.byte()
      value += (byte & 0x7f) * weight
      weight *= 128
    }
    return isNegative ? -value - 1 : value
  }

  /** Claims `length` bytes and returns where they start. */
  take(length: number): number {
    const start = this.at
    if (length < 0 || start + length > this.end) throw cutShort(this.end)
    this.at = start + length
    return start
  }
}

function cutShort(end: number): WireError {
  return new WireError(`a record reaches beyond the end of its batch at byte ${end}`)
}
