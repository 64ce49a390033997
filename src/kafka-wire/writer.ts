import { WireError } from './wire-error.ts'

/** Byte buffers at least this large are passed on as they are instead of being copied between the other fields. */
const PASS_THROUGH_BYTES = 4096
const FIRST_CHUNK_BYTES = 512
/** Of any string, whatever its length could say. */
export const MAX_STRING_BYTES = 0x7fff
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Writes Kafka's primitive types into a growing buffer. Large byte fields are kept aside and handed out between the written
 * parts ({@link Writer.parts}), so that the records of a fetch answer are never copied.
 */
export class Writer {
  #buffer: Buffer
  #view: DataView
  #start = 0
  #at = 0
  #done: Uint8Array[] = []
  #doneBytes = 0

  constructor(firstChunkBytes = FIRST_CHUNK_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(firstChunkBytes)
    this.#view = new DataView(this.#buffer.buffer)
  }

  /** How many bytes are written so far. */
  get sizeBytes(): number {
    return this.#doneBytes + this.#at - this.#start
  }

  /** What is written, in order. The first part holds at least the bytes written before the first large byte field. */
  parts(): Uint8Array[] {
    this.#cut()
    return this.#done
  }

  /** What is written, as one piece. */
  whole(): Uint8Array {
    const parts = this.parts()
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    const at = this.#claim(1)
    this.#view.setInt8(at, value)
  }

  int16(value: number): void {
    const at = this.#claim(2)
    this.#view.setInt16(at, value)
  }

  uint16(value: number): void {
    const at = this.#claim(2)
    this.#view.setUint16(at, value)
  }

  int32(value: number): void {
    const at = this.#claim(4)
    this.#view.setInt32(at, value)
  }

  int64(value: bigint): void {
    const at = this.#claim(8)
    this.#view.setBigInt64(at, value)
  }

  float64(value: number): void {
    const at = this.#claim(8)
    this.#view.setFloat64(at, value)
  }

  unsignedVarint(value: number): void {
    let at = this.#claim(5)
    let rest = value
    while (rest > 0x7f) {
      this.#view.setUint8(at++, (rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.#view.setUint8(at++, rest)
    this.#at = at
  }

  uuid(value: string): void {
    if (!UUID.test(value)) throw new WireError(`"${value}" is not a UUID in hyphenated hexadecimal`)
    const at = this.#claim(16)
    this.#buffer.write(value.replaceAll('-', ''), at, 16, 'hex')
  }

  /** The length before a string; null is −1. */
  stringLength(length: number | null, flexible: boolean): void {
    if (flexible) this.unsignedVarint((length ?? -1) + 1)
    else this.int16(length ?? -1)
  }

  /** The length before bytes, records or an array; null is −1. */
  length(length: number | null, flexible: boolean): void {
    if (flexible) this.unsignedVarint((length ?? -1) + 1)
    else this.int32(length ?? -1)
  }

  string(value: string | null, flexible: boolean): void {
    if (value === null) return this.stringLength(null, flexible)
    const sizeBytes = Buffer.byteLength(value)
    if (sizeBytes > MAX_STRING_BYTES) throw new WireError(`a string of ${sizeBytes} bytes is too long: ${MAX_STRING_BYTES} at most`)
    this.stringLength(sizeBytes, flexible)
    const at = this.#claim(sizeBytes)
    this.#buffer.write(value, at, sizeBytes, 'utf8')
  }

  bytes(value: Uint8Array | null, flexible: boolean): void {
    this.length(value === null ? null : value.byteLength, flexible)
    if (value !== null) this.raw(value)
  }

  /** The bytes alone, without a length. */
  raw(value: Uint8Array): void {
    if (value.byteLength < PASS_THROUGH_BYTES) {
      const at = this.#claim(value.byteLength)
      this.#buffer.set(value, at)
      return
    }
    this.#cut()
    this.#done.push(value)
    this.#doneBytes += value.byteLength
  }

  /** Overwrites four bytes near the start, before the first large byte field: the frame's size. */
  patchInt32(at: number, value: number): void {
    const first = this.#done[0] ?? this.#buffer
    new DataView(first.buffer, first.byteOffset).setInt32(at, value)
  }

  #claim(sizeBytes: number): number {
    const at = this.#at
    if (at + sizeBytes > this.#buffer.byteLength) return this.#grow(sizeBytes)
    this.#at = at + sizeBytes
    return at
  }

  #grow(sizeBytes: number): number {
    const open = this.#at - this.#start
    const next = Buffer.allocUnsafeSlow(Math.max(this.#buffer.byteLength * 2, (open + sizeBytes) * 2))
    next.set(this.#buffer.subarray(this.#start, this.#at))
    this.#buffer = next
    this.#view = new DataView(next.buffer)
    this.#start = 0
    this.#at = open + sizeBytes
    return open
  }

  #cut(): void {
    if (this.#at === this.#start && this.#done.length > 0) return
    this.#done.push(this.#buffer.subarray(this.#start, this.#at))
    this.#doneBytes += this.#at - this.#start
    this.#start = this.#at
  }
}
