/** The bytes are not what the schema says; never leaves `formats`. */
export class Malformed extends Error {}

const twoTo28 = 2 ** 28
/** Items of arrays that take no bytes (nulls, empty records), of a value in all: more are damage, and a few bytes could announce millions. */
export const maxEmptyItems = 10_000

/** Reads Avro's binary encoding (specification, "Binary Encoding") from a range of bytes; throws `Malformed` at its end. */
export class ByteSource {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0
  #emptyItems = 0

  over(bytes: Uint8Array, from: number): void {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = from
    this.#end = bytes.byteLength
    this.#emptyItems = 0
  }

  /** An item of an array was read that took no byte. */
  countEmptyItem(): void {
    if (++this.#emptyItems > maxEmptyItems) throw new Malformed('arrays have too many items without a byte')
  }

  get left(): number {
    return this.#end - this.#at
  }

  byte(): number {
    if (this.#at >= this.#end) throw new Malformed('the bytes end within a value')
    return this.#bytes[this.#at++] ?? 0
  }

  /** A zigzag number that has to fit into 32 bits. */
  int(): number {
    const value = this.long()
    if (typeof value === 'number' && value >= -(2 ** 31) && value < 2 ** 31) return value
    throw new Malformed('an int has more than 32 bits')
  }

  /** A number when it is safe, else a bigint. */
  long(): number | bigint {
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return low & 1 ? -((low + 1) / 2) : low / 2
    }
    let high = 0
    for (let factor = 1; factor < 2 ** 21; factor *= 128) {
      const byte = this.byte()
      high += (byte & 0x7f) * factor
      if (byte < 0x80) {
        const number = high * twoTo28 + low
        return number % 2 === 1 ? -((number + 1) / 2) : number / 2
      }
    }
    return this.#longFrom(BigInt(high) * 268_435_456n + BigInt(low))
  }

  /** The bytes from the eighth on. */
  #longFrom(first: bigint): number | bigint {
    let zigzag = first
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      zigzag |= BigInt(byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (zigzag >= 1n << 64n) break
      const value = zigzag & 1n ? -((zigzag + 1n) >> 1n) : zigzag >> 1n
      const number = Number(value)
      return Number.isSafeInteger(number) ? number : value
    }
    throw new Malformed('a long has more than 64 bits')
  }

  /** How many bytes, items or a branch: never negative. */
  count(most: number, what: string): number {
    const value = this.long()
    if (typeof value === 'number' && value >= 0 && value <= most) return value
    throw new Malformed(`${what} is ${value}, and there are ${most} bytes left`)
  }

  /** A view, as long as the source's bytes are. */
  bytes(length: number): Buffer {
    if (length > this.left) throw new Malformed('the bytes end within a value')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    const length = this.count(this.left, 'the length of a text')
    const from = this.#at
    this.#at += length
    const text = this.#bytes.toString('utf8', from, this.#at)
    // Bytes that are no UTF-8 became U+FFFD: another text than was written, unless that is what was written.
    if (text.includes('\uFFFD') && !this.#bytes.subarray(from, this.#at).equals(Buffer.from(text)))
      throw new Malformed('a text is not UTF-8')
    return text
  }

  float(): number {
    return this.bytes(4).readFloatLE(0)
  }

  double(): number {
    return this.bytes(8).readDoubleLE(0)
  }
}
