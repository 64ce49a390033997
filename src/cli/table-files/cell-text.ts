import type { CqlType, CqlValue } from '../../cql-client/index.ts'
import { misfit, scalarOf, scalarText } from './scalar-text.ts'

/** Those that CQL writes in quotes within a collection. */
const quoted: ReadonlySet<string> = new Set(['text', 'ascii', 'timestamp', 'date', 'time', 'inet'])

/** A value as a cell of CSV holds it, as `cqlsh`'s COPY writes it: `[1, 2]`, `{'a', 'b'}`, `{'k': 1}`, `(1, 'x')`. */
export function cellText(type: CqlType, value: CqlValue): string {
  if (!Array.isArray(value)) return scalarText(type, value)
  const items: readonly CqlValue[] = value
  switch (type.is) {
    case 'list':
      return `[${items.map((item) => nestedText(type.of, item)).join(', ')}]`
    case 'set':
      return `{${items.map((item) => nestedText(type.of, item)).join(', ')}}`
    case 'map':
      return `{${items.map((pair) => `${nestedText(type.key, partOf(pair, 0))}: ${nestedText(type.value, partOf(pair, 1))}`).join(', ')}}`
    case 'tuple':
      return `(${type.of.map((of, i) => nestedText(of, items[i] ?? null)).join(', ')})`
    default:
      throw misfit(type.is, 'a list of values')
  }
}

/** The key (0) or the value (1) of a map's pair. */
export function partOf(pair: CqlValue, part: 0 | 1): CqlValue {
  const values: readonly CqlValue[] = Array.isArray(pair) ? pair : []
  return values[part] ?? null
}

function nestedText(type: CqlType, value: CqlValue): string {
  if (value === null) return 'null'
  const text = cellText(type, value)
  return quoted.has(type.is) ? `'${text.replaceAll("'", "''")}'` : text
}

/** The value of a cell. @throws MillraceError when it is none of the type */
export function cellValue(type: CqlType, text: string): CqlValue {
  if (!['list', 'set', 'map', 'tuple'].includes(type.is)) return scalarOf(type, text)
  const reader = new CellReader(text)
  const value = reader.value(type)
  reader.end()
  return value
}

class CellReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  end(): void {
    this.#space()
    if (this.#at < this.#text.length) throw misfit('value of a collection', this.#text)
  }

  value(type: CqlType): CqlValue {
    this.#space()
    if (/^null(?![^,\]}):])/.test(this.#text.slice(this.#at, this.#at + 5))) {
      this.#at += 4
      return null
    }
    switch (type.is) {
      case 'list':
        return this.#items('[', ']', () => this.value(type.of))
      case 'set':
        return this.#items('{', '}', () => this.value(type.of))
      case 'map':
        return this.#items('{', '}', () => {
          const key = this.value(type.key)
          this.#expect(':')
          return [key, this.value(type.value)]
        })
      case 'tuple': {
        let place = 0
        return this.#items('(', ')', () => this.value(type.of[place++] ?? { is: 'text' }))
      }
      default:
        return this.#scalar(type)
    }
  }

  #items(open: string, close: string, item: () => CqlValue): CqlValue[] {
    this.#expect(open)
    const items: CqlValue[] = []
    for (;;) {
      this.#space()
      if (this.#text[this.#at] === close) break
      items.push(item())
      this.#space()
      if (this.#text[this.#at] === ',') this.#at++
      else break
    }
    this.#expect(close)
    return items
  }

  #scalar(type: CqlType): CqlValue {
    if (this.#text[this.#at] === "'") return scalarOf(type, this.#quoted())
    const start = this.#at
    while (this.#at < this.#text.length && !',]}):'.includes(this.#text[this.#at] ?? '')) this.#at++
    return scalarOf(type, this.#text.slice(start, this.#at).trim())
  }

  #quoted(): string {
    let text = ''
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      if (this.#text[this.#at] !== "'") text += this.#text[this.#at]
      else if (this.#text[this.#at + 1] === "'") {
        text += "'"
        this.#at++
      } else {
        this.#at++
        return text
      }
    }
    throw misfit('text in quotes', this.#text)
  }

  #expect(character: string): void {
    this.#space()
    if (this.#text[this.#at] !== character) throw misfit(`value with ${character}`, this.#text)
    this.#at++
  }

  #space(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }
}
