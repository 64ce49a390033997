/** An array as PostgreSQL writes it: texts, null, and arrays where it has several dimensions. */
export type PgArray = (string | null | PgArray)[]

/** Reads PostgreSQL's text of an array (manual, 8.15.6), also one whose bounds stand before it. Throws for what is none. */
export function arrayOf(text: string): PgArray {
  const begins = text.indexOf('{')
  const reader = new ArrayReader(text, begins)
  const array = reader.array()
  if (begins < 0 || !reader.isAtEnd) throw new Error(`"${text.slice(0, 50)}" is no array of PostgreSQL`)
  return array
}

class ArrayReader {
  readonly #text: string
  #at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  array(): PgArray {
    const array: PgArray = []
    this.#at++
    while (this.#at < this.#text.length && this.#text[this.#at] !== '}') {
      array.push(this.#element())
      if (this.#text[this.#at] === ',') this.#at++
    }
    this.#at++
    return array
  }

  #element(): PgArray[number] {
    const first = this.#text[this.#at]
    if (first === '{') return this.array()
    if (first === '"') return this.#quoted()
    const from = this.#at
    while (this.#at < this.#text.length && this.#text[this.#at] !== ',' && this.#text[this.#at] !== '}') this.#at++
    const bare = this.#text.slice(from, this.#at)
    return bare === 'NULL' ? null : bare
  }

  #quoted(): string {
    let text = ''
    for (this.#at++; this.#at < this.#text.length && this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++
      text += this.#text[this.#at] ?? ''
    }
    this.#at++
    return text
  }
}
