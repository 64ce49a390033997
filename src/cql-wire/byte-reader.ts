import type { Buffer as NodeBuffer } from 'node:buffer'
import { Buffer } from 'node:buffer'
import { UNSET } from './constants.ts'

/** What the readers throw inside this room; the doors (`decodeRequest`, `decodeResponse`) turn it into `{ ok: false, reason }`. */
export class Malformed extends Error {}

/** Reads the notations of the protocol (spec v4 §3). Byte values are views into the body, not copies. Throws Malformed. */
export class ByteReader {
  readonly bytes: NodeBuffer
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get remaining(): number {
    return this.bytes.length - this.at
  }

  /** Moves over `count` bytes and returns where they start. */
  take(count: number, what: string): number {
    if (count < 0 || count > this.remaining) throw new Malformed(`${what} needs ${count} bytes, ${this.remaining} are left`)
    const at = this.at
    this.at += count
    return at
  }

  /** A count of things of which each takes at least `leastBytes`: nonsense never makes a loop long. */
  count(value: number, leastBytes: number, what: string): number {
    if (value < 0 || value * leastBytes > this.remaining) throw new Malformed(`${value} ${what} do not fit in ${this.remaining} bytes`)
    return value
  }

  byte(what = 'a byte'): number {
    return this.bytes.readUInt8(this.take(1, what))
  }

  short(what = 'a short'): number {
    return this.bytes.readUInt16BE(this.take(2, what))
  }

  int(what = 'an int'): number {
    return this.bytes.readInt32BE(this.take(4, what))
  }

  long(what = 'a long'): bigint {
    return this.bytes.readBigInt64BE(this.take(8, what))
  }

  raw(count: number, what: string): Uint8Array {
    const at = this.take(count, what)
    return this.bytes.subarray(at, at + count)
  }

  string(what = 'a string'): string {
    const length = this.short(what)
    const at = this.take(length, what)
    return this.bytes.toString('utf8', at, at + length)
  }

  longString(what = 'a long string'): string {
    const length = this.int(what)
    const at = this.take(length, what)
    return this.bytes.toString('utf8', at, at + length)
  }

  stringList(what = 'a string list'): string[] {
    const count = this.count(this.short(what), 2, 'strings')
    const list: string[] = []
    for (let i = 0; i < count; i++) list.push(this.string(what))
    return list
  }

  stringMap(what = 'a string map'): Map<string, string> {
    const count = this.count(this.short(what), 4, 'entries')
    const map = new Map<string, string>()
    for (let i = 0; i < count; i++) map.set(this.string(what), this.string(what))
    return map
  }

  stringMultimap(what = 'a string multimap'): Map<string, string[]> {
    const count = this.count(this.short(what), 4, 'entries')
    const map = new Map<string, string[]>()
    for (let i = 0; i < count; i++) map.set(this.string(what), this.stringList(what))
    return map
  }

  shortBytes(what = 'short bytes'): Uint8Array {
    return this.raw(this.short(what), what)
  }

  longBytes(what = 'bytes'): Uint8Array | null {
    const length = this.int(what)
    return length < 0 ? null : this.raw(length, what)
  }

  /** `[value]`: −1 null, −2 unset from v4 on (v3 reads each negative length as null). */
  value(version: number): Uint8Array | null | typeof UNSET {
    const length = this.int('a value')
    if (length >= 0) return this.raw(length, 'a value')
    if (length === -1 || version < 4) return null
    if (length === -2) return UNSET
    throw new Malformed(`Invalid ByteBuf length ${length}`)
  }

  skipBytesMap(): void {
    const count = this.count(this.short('a custom payload'), 6, 'entries')
    for (let i = 0; i < count; i++) {
      this.string('a custom payload')
      this.longBytes('a custom payload')
    }
  }
}
