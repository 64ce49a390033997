/** What is needed of an open file: a part of Node's `FileHandle`. */
export interface ReadableFile {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number; buffer: Buffer }>
}

/** A line of a file, or a row of CSV, which may be of several lines. */
export interface Line {
  /** Of its first byte in the file. */
  offset: number
  /** Of the first byte behind it and its line end. */
  next: number
  /** Without its line end; the beginning of one that is too long. */
  bytes: Uint8Array
  isTooLong: boolean
  /** Line ends in it, its own included. */
  lineEnds: number
}

export interface LineReaderOptions {
  handle: ReadableFile
  /** Where a line begins. */
  offset: number
  /** Nothing is read from here on: what was there when the reading began. */
  end: number
  maxLineBytes: number
  /** The byte between two cells of CSV, where line ends within quotes are none (RFC 4180, rule 6); null: a line is a line. */
  delimiter: number | null
}

const chunkBytes = 64 * 1024
const lineFeed = 0x0a
const carriageReturn = 0x0d
const quote = 0x22

/**
 * Cuts a file into lines, in memory for one line and a chunk. A row of CSV that grows too long, because its quote is never closed, say, is cut
 * behind its first line, so that one quote does not swallow the file.
 */
export class LineReader {
  readonly #options: LineReaderOptions
  /** From `#offset` on, read but not given. */
  #pending: Buffer = Buffer.alloc(0)
  #offset: number

  constructor(options: LineReaderOptions) {
    this.#options = options
    this.#offset = options.offset
  }

  /** Where the next line begins. */
  get offset(): number {
    return this.#offset
  }

  /** Null: no further line has its end before `end`. */
  async next(): Promise<Line | null> {
    const { delimiter, maxLineBytes } = this.#options
    const search = delimiter === null ? new PlainSearch() : new RowSearch(delimiter)
    for (;;) {
      const at = search.lineEnd(this.#pending)
      if (at >= 0 && at <= maxLineBytes) return this.#take(at, { isTooLong: false })
      if (at >= 0 || this.#pending.byteLength > maxLineBytes) return this.#tooLong()
      if (!(await this.#readOn())) return null
    }
  }

  /** What is left without a line end; null when there is nothing, or it is too long. */
  rest(): Line | null {
    const { byteLength } = this.#pending
    if (byteLength === 0 || byteLength > this.#options.maxLineBytes || this.#offset + byteLength < this.#options.end) return null
    const line = { offset: this.#offset, next: this.#offset + byteLength, bytes: this.#pending, isTooLong: false, lineEnds: 0 }
    this.#offset = line.next
    this.#pending = Buffer.alloc(0)
    return line
  }

  #take(at: number, { isTooLong }: { isTooLong: boolean }): Line {
    const taken = this.#pending.subarray(0, at)
    const bytes = taken.at(-1) === carriageReturn ? taken.subarray(0, -1) : taken
    const line = { offset: this.#offset, next: this.#offset + at + 1, bytes, isTooLong, lineEnds: 1 + count(taken, lineFeed) }
    this.#pending = this.#pending.subarray(at + 1)
    this.#offset = line.next
    return line
  }

  /** Up to the first line end there is, wherever it stands; what is between is not kept. */
  async #tooLong(): Promise<Line | null> {
    const { maxLineBytes } = this.#options
    const offset = this.#offset
    const end = this.#pending.indexOf(lineFeed)
    if (end >= 0 && end <= maxLineBytes) return this.#take(end, { isTooLong: true })
    const bytes = Buffer.from(this.#pending.subarray(0, maxLineBytes))
    for (;;) {
      const at = this.#pending.indexOf(lineFeed)
      if (at >= 0) {
        const { next } = this.#take(at, { isTooLong: true })
        return { offset, next, bytes, isTooLong: true, lineEnds: 1 }
      }
      this.#offset += this.#pending.byteLength
      this.#pending = Buffer.alloc(0)
      if (await this.#readOn()) continue
      // Its end is not written yet: it is met again from its beginning.
      this.#offset = offset
      return null
    }
  }

  /** False: there is nothing further. */
  async #readOn(): Promise<boolean> {
    const { handle, end } = this.#options
    const position = this.#offset + this.#pending.byteLength
    const wanted = Math.min(chunkBytes, end - position)
    if (wanted <= 0) return false
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, position)
    const chunk = buffer.subarray(0, bytesRead)
    this.#pending = this.#pending.byteLength === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    return bytesRead > 0
  }
}

/** Where the line ends, going on where the last search of the same line ended. −1: not yet. */
interface LineEndSearch {
  lineEnd(bytes: Uint8Array): number
}

class PlainSearch implements LineEndSearch {
  #from = 0

  lineEnd(bytes: Uint8Array): number {
    const at = bytes.indexOf(lineFeed, this.#from)
    this.#from = bytes.byteLength
    return at
  }
}

/** A quote opens a cell at its beginning alone (RFC 4180, rules 5 to 7). */
class RowSearch implements LineEndSearch {
  readonly #delimiter: number
  #from = 0
  #in: 'start' | 'bare' | 'quoted' | 'after quote' = 'start'

  constructor(delimiter: number) {
    this.#delimiter = delimiter
  }

  lineEnd(bytes: Uint8Array): number {
    for (let i = this.#from; i < bytes.byteLength; i++) {
      const byte = bytes[i]
      if (this.#in === 'quoted') {
        if (byte === quote) this.#in = 'after quote'
      } else if (byte === lineFeed) return i
      else if (byte === this.#delimiter) this.#in = 'start'
      else if (byte === quote && this.#in !== 'bare') this.#in = 'quoted'
      else if (byte !== carriageReturn) this.#in = 'bare'
    }
    this.#from = bytes.byteLength
    return -1
  }
}

function count(bytes: Uint8Array, byte: number): number {
  let found = 0
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found++
  return found
}
