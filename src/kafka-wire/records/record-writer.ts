/** Writes the zigzag variable-length numbers of records into a buffer that is known to be large enough. */
export class RecordWriter {
  readonly buffer: Buffer
  #at: number

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer
    this.#at = at
  }

  byte(value: number): void {
    this.buffer[this.#at++] = value
  }

  /** A zigzag number of 32 bits. */
  varint(value: number): void {
    let rest = zigzag(value)
    while (rest > 0x7f) {
      this.buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[this.#at++] = rest
  }

  /** A zigzag number of up to 53 bits. */
  varlong(value: number): void {
    if (value >= -0x4000_0000 && value < 0x4000_0000) return this.varint(value)
    let rest = zigzagLong(value)
    while (rest > 0x7fn) {
      this.buffer[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.buffer[this.#at++] = Number(rest)
  }

  /** Length and content; −1 for null. */
  bytes(value: Uint8Array | null): void {
    if (value === null) return this.varint(-1)
    this.varint(value.byteLength)
    this.buffer.set(value, this.#at)
    this.#at += value.byteLength
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.#at)
    this.#at += bytes.byteLength
  }

  string(value: string): void {
    const sizeBytes = Buffer.byteLength(value)
    this.varint(sizeBytes)
    this.buffer.write(value, this.#at, sizeBytes, 'utf8')
    this.#at += sizeBytes
  }
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

function zigzagLong(value: number): bigint {
  const long = BigInt(value)
  return long >= 0n ? long * 2n : -long * 2n - 1n
}

/** How many bytes `varint` takes for it. */
export function varintBytes(value: number): number {
  const rest = zigzag(value)
  if (rest < 0x80) return 1
  if (rest < 0x4000) return 2
  if (rest < 0x20_0000) return 3
  return rest < 0x1000_0000 ? 4 : 5
}

/** How many bytes `varlong` takes for it. */
export function varlongBytes(value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return varintBytes(value)
  let bytes = 1
  for (let rest = zigzagLong(value); rest > 0x7fn; rest >>= 7n) bytes++
  return bytes
}
