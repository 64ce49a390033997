import type { CqlRefusal } from '../refusal.ts'
import { errorAt, tokenize, type Token } from './lexer.ts'

const reserved = new Set(
  (
    'add allow alter and apply asc authorize batch begin by columnfamily create delete desc describe drop entries execute from full grant if in index ' +
    'infinity insert into is keyspace limit materialized mbean mbeans modify nan norecursive not null of on or order primary rename replace revoke ' +
    'schema select set table to token truncate unlogged update use using view where with'
  ).split(' '),
)

const maxOperators = 1_000
/** Names come back in frames, which have two bytes for their length. */
const maxNameLength = 10_000

export function isReserved(name: string): boolean {
  return reserved.has(name)
}

/** Walks over a statement's tokens; every method that finds something else than it needs throws a syntax error at its place. */
export class TokenReader {
  readonly #statement: string
  readonly #tokens: Token[]
  #at = 0
  #operators = 0
  readonly binds: (string | null)[] = []

  constructor(statement: string) {
    this.#statement = statement
    this.#tokens = tokenize(statement)
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]
    if (!token) throw new RangeError('no tokens')
    return token
  }

  next(): Token {
    const token = this.peek()
    if (token.kind !== 'end') this.#at++
    return token
  }

  /** True when the next tokens are these words (not quoted). */
  sees(...words: string[]): boolean {
    return words.every((word, i) => this.peek(i).kind === 'name' && this.peek(i).text === word)
  }

  /** Takes these words when they come next. */
  takes(...words: string[]): boolean {
    if (!this.sees(...words)) return false
    this.#at += words.length
    return true
  }

  expects(...words: string[]): void {
    for (const word of words) {
      if (!this.takes(word)) throw this.mismatch(`K_${word.toUpperCase()}`)
    }
  }

  seesOp(op: string): boolean {
    const token = this.peek()
    return token.kind === 'op' && token.text === op
  }

  takesOp(op: string): boolean {
    if (!this.seesOp(op)) return false
    this.#at++
    return true
  }

  expectsOp(op: string): void {
    if (!this.takesOp(op)) throw this.mismatch(`'${op}'`)
  }

  /** An identifier: bare and not reserved, or quoted. */
  name(): string {
    const token = this.peek()
    if (token.text.length > maxNameLength) throw this.error(`a name longer than ${maxNameLength} characters`)
    if (token.kind === 'quoted' || (token.kind === 'name' && !isReserved(token.text))) return this.next().text
    throw this.noAlternative()
  }

  string(): string {
    if (this.peek().kind !== 'string') throw this.mismatch('STRING_LITERAL')
    return this.next().text
  }

  /** `a, b, c` */
  list<T>(item: () => T): T[] {
    const items = [item()]
    while (this.takesOp(',')) items.push(item())
    return items
  }

  end(): void {
    while (this.takesOp(';'));
    if (this.peek().kind !== 'end') throw this.mismatch('EOF')
  }

  /** Arithmetic makes a tree as deep as it has operators: it is bounded in a statement as brackets are. */
  countOperator(): void {
    if (++this.#operators > maxOperators) throw this.error(`more than ${maxOperators} operators in one statement`)
  }

  mismatch(expected: string): CqlRefusal {
    const { raw, at } = this.peek()
    return errorAt(this.#statement, at, `mismatched input '${raw}' expecting ${expected}`)
  }

  noAlternative(): CqlRefusal {
    const { raw, at } = this.peek()
    return errorAt(this.#statement, at, `no viable alternative at input '${raw}'`)
  }

  error(message: string): CqlRefusal {
    return errorAt(this.#statement, this.peek().at, message)
  }
}
