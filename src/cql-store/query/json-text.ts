/** JSON as read, numbers as they were written: a double cannot hold every CQL number. */
export type Json = null | boolean | string | { number: string } | Json[] | { entries: [string, Json][] }

const tokenPattern = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))\s*/y // oxlint-disable-line no-control-regex

const maxDepth = 64

/** Null when the text is no JSON. */
export function parseJson(text: string): { value: Json } | null {
  try {
    return { value: new Reader(text).whole() }
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

class Reader {
  readonly #text: string
  #at = 0
  #token: RegExpExecArray | null = null

  constructor(text: string) {
    this.#text = text
    this.#next()
  }

  whole(): Json {
    const value = this.#value(0)
    if (this.#at !== this.#text.length || this.#token) throw new SyntaxError('something follows the value')
    return value
  }

  #next(): void {
    tokenPattern.lastIndex = this.#at
    this.#token = this.#at < this.#text.length ? tokenPattern.exec(this.#text) : null
    if (!this.#token && this.#at < this.#text.length) throw new SyntaxError(`unexpected character at ${this.#at}`)
    if (this.#token) this.#at = tokenPattern.lastIndex
  }

  #takes(mark: string): boolean {
    if (this.#token?.[1] !== mark) return false
    this.#next()
    return true
  }

  #value(depth: number): Json {
    if (depth > maxDepth) throw new SyntaxError('nested too deeply')
    if (this.#takes('[')) return this.#list(']', () => this.#value(depth + 1))
    if (this.#takes('{')) {
      return {
        entries: this.#list('}', () => {
          const key = this.#value(depth + 1)
          if (typeof key !== 'string' || !this.#takes(':')) throw new SyntaxError('a key is missing')
          return [key, this.#value(depth + 1)]
        }),
      }
    }
    const [, , string, number, word] = this.#token ?? []
    if (string === undefined && number === undefined && word === undefined) throw new SyntaxError('a value is missing')
    this.#next()
    if (number !== undefined) return { number }
    if (word !== undefined) return word === 'null' ? null : word === 'true'
    const read: unknown = JSON.parse(string ?? '""')
    return String(read)
  }

  #list<T>(end: string, item: () => T): T[] {
    const items: T[] = []
    if (this.#takes(end)) return items
    for (;;) {
      items.push(item())
      if (this.#takes(end)) return items
      if (!this.#takes(',')) throw new SyntaxError('a comma is missing')
    }
  }
}
