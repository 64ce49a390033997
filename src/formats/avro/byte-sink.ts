/** Gathers Avro's binary encoding (specification, "Binary Encoding"); used again for one value after the other. */
export class ByteSink {
  #bytes = Buffer.allocUnsafe(4_096)
  #at = 0

  get at(): number {
    return this.#at
  }

  /** Forgets what was written from there on. */
  backTo(at: number): void {
    this.#at = at
  }

  /** A copy of what was written. */
  taken(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at))
  }

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  uint32(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeUInt32BE(value, this.#at)
  }

  /** A whole number of at most 2³⁰ in either direction: counts, ints of that size. */
  small(value: number): void {
    this.#room(5)
    let zigzag = value < 0 ? -2 * value - 1 : 2 * value
    while (zigzag >= 0x80) {
      this.#bytes[this.#at++] = (zigzag & 0x7f) | 0x80
      zigzag >>>= 7
    }
    this.#bytes[this.#at++] = zigzag
  }

  long(value: bigint): void {
    if (value >= -1_073_741_824n && value <= 1_073_741_823n) return this.small(Number(value))
    this.#room(10)
    let zigzag = BigInt.asUintN(64, value < 0n ? -2n * value - 1n : 2n * value)
    while (zigzag >= 0x80n) {
      this.#bytes[this.#at++] = Number(zigzag & 0x7fn) | 0x80
      zigzag >>= 7n
    }
    this.#bytes[this.#at++] = Number(zigzag)
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.small(length)
    this.#room(length)
    this.#at += this.#bytes.write(value, this.#at, length, 'utf8')
  }

  bytes(value: Uint8Array): void {
    this.#room(value.byteLength)
    this.#bytes.set(value, this.#at)
    this.#at += value.byteLength
  }

  float(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeFloatLE(value, this.#at)
  }

  double(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.byteLength) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.byteLength, this.#at + more))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}
