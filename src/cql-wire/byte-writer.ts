import type { Buffer as NodeBuffer } from 'node:buffer'
import { Buffer } from 'node:buffer'
import { UNSET } from './constants.ts'

/** A growing buffer with the notations of the protocol (spec v4 §3). `at` is the end of what was written. */
export class ByteWriter {
  bytes: NodeBuffer
  at = 0

  /** Writes into the memory given, or into its own of so many bytes; into more when that is full. */
  constructor(room: number | NodeBuffer = 256) {
    this.bytes = typeof room === 'number' ? Buffer.allocUnsafeSlow(room) : room
  }

  /** Makes room for `count` more bytes; returns the position to write at. */
  ensure(count: number): number {
    if (this.at + count > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + count))
      this.bytes.copy(grown, 0, 0, this.at)
      this.bytes = grown
    }
    return this.at
  }

  /** A copy of what was written from `start` on. */
  copy(start = 0): Uint8Array {
    const copy = new Uint8Array(this.at - start)
    copy.set(this.bytes.subarray(start, this.at))
    return copy
  }

  byte(value: number): void {
    this.ensure(1)
    this.bytes[this.at++] = value
  }

  short(value: number): void {
    const at = this.ensure(2)
    this.bytes[at] = value >>> 8
    this.bytes[at + 1] = value
    this.at = at + 2
  }

  int(value: number): void {
    this.ensure(4)
    this.intAt(this.at, value)
    this.at += 4
  }

  intAt(at: number, value: number): void {
    const bytes = this.bytes
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }

  long(value: bigint): void {
    this.ensure(8)
    this.at = this.bytes.writeBigInt64BE(BigInt.asIntN(64, value), this.at)
  }

  float(value: number): void {
    this.ensure(4)
    this.at = this.bytes.writeFloatBE(value, this.at)
  }

  double(value: number): void {
    this.ensure(8)
    this.at = this.bytes.writeDoubleBE(value, this.at)
  }

  raw(value: Uint8Array): void {
    this.ensure(value.length)
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** UTF-8 without a length. */
  utf8(value: string): void {
    this.ensure(value.length * 3)
    this.at += this.bytes.write(value, this.at, 'utf8')
  }

  /** `[string]`: a short length, then UTF-8. Longer than 65,535 bytes throws a RangeError. */
  string(value: string): void {
    const start = this.at
    this.short(0)
    this.utf8(value)
    const length = this.at - start - 2
    if (length > 0xffff) throw new RangeError(`A [string] holds at most 65535 bytes, this has ${length}.`)
    this.bytes[start] = length >>> 8
    this.bytes[start + 1] = length
  }

  longString(value: string): void {
    const start = this.at
    this.int(0)
    this.utf8(value)
    this.intAt(start, this.at - start - 4)
  }

  stringList(values: readonly string[]): void {
    this.short(values.length)
    for (const value of values) this.string(value)
  }

  shortBytes(value: Uint8Array): void {
    this.short(value.length)
    this.raw(value)
  }

  /** `[bytes]`; null is length −1. */
  longBytes(value: Uint8Array | null): void {
    if (value === null) return this.int(-1)
    this.int(value.length)
    this.raw(value)
  }

  /** `[value]`: `[bytes]`, or length −2 for unset. */
  value(value: Uint8Array | null | typeof UNSET): void {
    if (value === UNSET) this.int(-2)
    else this.longBytes(value)
  }
}
