import type { Comparison, Relation, TableName, Term } from './ast.ts'
import type { TokenReader } from './token-reader.ts'

const maxDepth = 64

/** `[keyspace.]name` */
export function parseTableName(from: TokenReader): TableName {
  const first = from.name()
  return from.takesOp('.') ? { keyspace: first, name: from.name() } : { keyspace: null, name: first }
}

/** A type, put together again as text: `frozen<map<text, int>>`. */
export function parseTypeText(from: TokenReader, depth = 0): string {
  const token = from.peek()
  if (depth > maxDepth) throw from.error('type nested too deeply')
  if (token.kind === 'string') return `'${from.next().text}'`
  if (token.kind !== 'name' && token.kind !== 'quoted') throw from.noAlternative()
  from.next()
  let text = token.kind === 'quoted' ? `"${token.text.replaceAll('"', '""')}"` : token.text
  if (from.takesOp('.')) text += `.${from.name()}`
  if (!from.takesOp('<')) return text
  const inner = from.list(() => (from.peek().kind === 'integer' ? from.next().text : parseTypeText(from, depth + 1)))
  from.expectsOp('>')
  return `${text}<${inner.join(', ')}>`
}

const additive = ['+', '-'] as const
const multiplicative = ['*', '/', '%'] as const

/** A term, arithmetic included: `1 + 2 * 3`. */
export function parseTerm(from: TokenReader, depth = 0): Term {
  return continueTerm(from, parseSimpleTerm(from, depth), depth)
}

/** What follows a term that was read already: operators and their right sides. */
export function continueTerm(from: TokenReader, first: Term, depth = 0): Term {
  let left = parseProduct(from, first, depth)
  for (;;) {
    const op = additive.find((each) => from.takesOp(each))
    if (!op) return left
    from.countOperator()
    left = { is: 'arithmetic', op, left, right: parseProduct(from, parseSimpleTerm(from, depth), depth) }
  }
}

function parseProduct(from: TokenReader, first: Term, depth: number): Term {
  let left = first
  for (;;) {
    const op = multiplicative.find((each) => from.takesOp(each))
    if (!op) return left
    from.countOperator()
    left = { is: 'arithmetic', op, left, right: parseSimpleTerm(from, depth) }
  }
}

/** A term without operators outside brackets. */
export function parseSimpleTerm(from: TokenReader, depth = 0): Term {
  if (depth > maxDepth) throw from.error('term nested too deeply')
  const token = from.peek()
  switch (token.kind) {
    case 'string':
    case 'integer':
    case 'float':
    case 'uuid':
    case 'blob':
    case 'duration':
      from.next()
      return { is: 'literal', kind: token.kind, text: token.text }
    case 'name':
    case 'quoted':
      return parseWord(from, depth)
    case 'op':
      return parseSymbol(from, depth)
    default:
      throw from.noAlternative()
  }
}

function parseWord(from: TokenReader, depth: number): Term {
  const { kind, text } = from.peek()
  if (kind === 'name') {
    if (text === 'true' || text === 'false') return (from.next(), { is: 'literal', kind: 'boolean', text })
    if (text === 'null') return (from.next(), { is: 'literal', kind: 'null', text })
    if (text === 'nan' || text === 'infinity') return (from.next(), { is: 'literal', kind: 'float', text })
  }
  parseSystemPrefix(from)
  const name = from.sees('token') ? from.next().text : from.name()
  if (!from.takesOp('(')) throw from.noAlternative()
  const args = from.seesOp(')') ? [] : from.list(() => parseTerm(from, depth + 1))
  from.expectsOp(')')
  return { is: 'call', name, args }
}

/** `system.` before a function's name: there are no functions elsewhere. */
export function parseSystemPrefix(from: TokenReader): void {
  const [dot, name, bracket] = [from.peek(1), from.peek(2), from.peek(3)]
  const isCall = dot.text === '.' && (name.kind === 'name' || name.kind === 'quoted') && bracket.text === '('
  if (!isCall || dot.kind !== 'op' || bracket.kind !== 'op' || !from.takes('system')) return
  from.expectsOp('.')
}

function parseSymbol(from: TokenReader, depth: number): Term {
  if (from.takesOp('?')) return bind(from, null)
  if (from.takesOp(':')) return bind(from, from.name())
  if (from.takesOp('-')) return parseNegative(from, depth)
  if (from.takesOp('[')) {
    const items = from.seesOp(']') ? [] : from.list(() => parseTerm(from, depth + 1))
    from.expectsOp(']')
    return { is: 'list', items }
  }
  if (from.takesOp('{')) return parseBraces(from, depth)
  if (from.takesOp('(')) return parseParentheses(from, depth)
  throw from.noAlternative()
}

function bind(from: TokenReader, name: string | null): Term {
  from.binds.push(name)
  return { is: 'bind', index: from.binds.length - 1 }
}

function parseNegative(from: TokenReader, depth: number): Term {
  const token = from.peek()
  if (token.kind === 'integer' || token.kind === 'float' || token.kind === 'duration') {
    from.next()
    return { is: 'literal', kind: token.kind, text: `-${token.text}` }
  }
  if (from.takes('infinity')) return { is: 'literal', kind: 'float', text: '-infinity' }
  if (from.takes('nan')) return { is: 'literal', kind: 'float', text: 'nan' }
  return { is: 'negation', of: parseSimpleTerm(from, depth + 1) }
}

/** A set, a map, or `{}`, which is either. */
function parseBraces(from: TokenReader, depth: number): Term {
  if (from.takesOp('}')) return { is: 'set', items: [] }
  const first = parseTerm(from, depth + 1)
  if (!from.takesOp(':')) {
    const items = [first]
    while (from.takesOp(',')) items.push(parseTerm(from, depth + 1))
    from.expectsOp('}')
    return { is: 'set', items }
  }
  const entries: [Term, Term][] = [[first, parseTerm(from, depth + 1)]]
  while (from.takesOp(',')) {
    const key = parseTerm(from, depth + 1)
    from.expectsOp(':')
    entries.push([key, parseTerm(from, depth + 1)])
  }
  from.expectsOp('}')
  return { is: 'map', entries }
}

/** `(a, b)` is a tuple; `(int)x` says a term's type. */
function parseParentheses(from: TokenReader, depth: number): Term {
  const token = from.peek()
  const isCall = from.peek(1).kind === 'op' && from.peek(1).text === '('
  const isWordTerm = token.kind === 'name' && ['true', 'false', 'null', 'nan', 'infinity'].includes(token.text)
  if ((token.kind === 'name' || token.kind === 'quoted') && !isCall && !isWordTerm) {
    const type = parseTypeText(from)
    from.expectsOp(')')
    return { is: 'typed', type, term: parseSimpleTerm(from, depth + 1) }
  }
  const items = from.list(() => parseTerm(from, depth + 1))
  from.expectsOp(')')
  const [only] = items
  return only && items.length === 1 && only.is === 'arithmetic' ? only : { is: 'tuple', items }
}

export function parseComparison(from: TokenReader): Comparison {
  for (const op of ['=', '<=', '>=', '<', '>', '!='] as const) if (from.takesOp(op)) return op
  throw from.noAlternative()
}

/** `WHERE` and its relations, where they have to be. */
export function parseNeededWhere(from: TokenReader): Relation[] {
  if (!from.sees('where')) throw from.mismatch('K_WHERE')
  return parseWhere(from)
}

/** `WHERE` and its relations, or nothing. */
export function parseWhere(from: TokenReader): Relation[] {
  if (!from.takes('where')) return []
  const relations = [parseRelation(from)]
  while (from.takes('and')) relations.push(parseRelation(from))
  return relations
}

function parseRelation(from: TokenReader): Relation {
  if (from.takes('token')) {
    const columns = parseNames(from)
    return { is: 'token', columns, op: parseComparison(from), term: parseTerm(from) }
  }
  if (from.seesOp('(')) {
    const columns = parseNames(from)
    if (from.takes('in')) return { is: 'tuple-in', columns, terms: parseInList(from) }
    return { is: 'tuple', columns, op: parseComparison(from), term: parseTerm(from) }
  }
  const column = from.name()
  if (from.takes('in')) return { is: 'in', column, terms: parseInList(from) }
  if (from.takes('contains')) return { is: 'contains', column, key: from.takes('key'), term: parseTerm(from) }
  if (from.takesOp('[')) {
    const key = parseTerm(from)
    from.expectsOp(']')
    return { is: 'entry', column, key, op: parseComparison(from), term: parseTerm(from) }
  }
  if (from.takes('like')) return { is: 'like', column, term: parseTerm(from) }
  if (from.takes('is')) {
    from.expects('not', 'null')
    return { is: 'not-null', column }
  }
  return { is: 'compare', column, op: parseComparison(from), term: parseTerm(from) }
}

function parseNames(from: TokenReader): string[] {
  from.expectsOp('(')
  const names = from.list(() => from.name())
  from.expectsOp(')')
  return names
}

/** `(a, b)` or one bind marker for the whole list. */
export function parseInList(from: TokenReader): Term[] | Term {
  if (!from.takesOp('(')) return parseTerm(from)
  const items = from.seesOp(')') ? [] : from.list(() => parseTerm(from))
  from.expectsOp(')')
  return items
}
