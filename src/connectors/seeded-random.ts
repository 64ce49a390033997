import { createHash } from 'node:crypto'

/** Four 32-bit words that stand for a text: where random numbers begin that depend on nothing else. */
export function seedWords(text: string): Uint32Array {
  const digest = createHash('sha256').update(text).digest()
  return new Uint32Array([0, 4, 8, 12].map((at) => digest.readUInt32LE(at)))
}

/** sfc32 (Doty-Humphrey's Small Fast Counting generator): quick, good enough for names and numbers, no use for secrets. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(words: Uint32Array, stream: number) {
    this.#a = words[0] ?? 0
    this.#b = words[1] ?? 0
    this.#c = (words[2] ?? 0) ^ stream
    this.#counter = ((words[3] ?? 0) + Math.imul(stream, 0x9e37_79b9)) | 0
    for (let i = 0; i < 12; i++) this.word()
  }

  /** 32 random bits, signed. */
  word(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum
  }

  /** At least 0, less than 1. */
  fraction(): number {
    return (this.word() >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `below` − 1. */
  below(below: number): number {
    return Math.floor(this.fraction() * below)
  }

  /** A whole number from `from` to `to`. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[this.below(from.length)] ?? from[0]
  }

  /** A pattern with a digit for each `#`, 2 to 9 for each `!`, a capital for each `?`; the rest as it stands. */
  fill(pattern: string): string {
    let text = ''
    for (const char of pattern)
      text +=
        char === '#' ? this.below(10) : char === '!' ? this.between(2, 9) : char === '?' ? String.fromCharCode(65 + this.below(26)) : char
    return text
  }

  /** A version 4 UUID (RFC 9562). */
  uuid(): string {
    const a = hex(this.word())
    const b = hex((this.word() & 0xffff_0fff) | 0x4000)
    const c = hex((this.word() & 0x3fff_ffff) | 0x8000_0000)
    return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${hex(this.word())}`
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
