/** A buffer that grows while it is written to; what was written stays at its place. */
export class GrowingBuffer {
  bytes: Buffer
  length = 0

  constructor(initialBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  /** Makes room for `more` bytes after the present end. */
  ensure(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  u8(value: number): void {
    this.ensure(1)
    this.bytes[this.length++] = value
  }

  u16(value: number): void {
    this.ensure(2)
    const { bytes } = this
    bytes[this.length++] = value >>> 8
    bytes[this.length++] = value
  }

  u32(value: number): void {
    this.ensure(4)
    this.length = this.bytes.writeUInt32BE(value, this.length)
  }

  i64(value: bigint): void {
    this.ensure(8)
    this.length = this.bytes.writeBigInt64BE(value, this.length)
  }

  raw(value: Uint8Array): void {
    const { length } = value
    this.ensure(length)
    this.bytes.set(value, this.length)
    this.length += length
  }

  /** Bytes written since a start that does not move: distances measured with it stay true when the buffer grows. */
  get groupBytes(): number {
    return this.length
  }

  /** Everything written so far, not copied. */
  written(): Buffer {
    return this.bytes.subarray(0, this.length)
  }
}
