import type { SelectedColumn, Selection, SelectStatement, Term } from './ast.ts'
import { parseType } from '../../cql-wire/index.ts'
import { parseSimpleTerm, parseSystemPrefix, parseTableName, parseTerm, parseTypeText, parseWhere } from './parse-terms.ts'
import type { TokenReader } from './token-reader.ts'

/** After `SELECT`. */
export function parseSelect(from: TokenReader): SelectStatement {
  const json = from.sees('json') && !isAfterName(from) ? from.takes('json') : false
  const distinct = from.sees('distinct') && !isAfterName(from) ? from.takes('distinct') : false
  const columns = from.takesOp('*') ? null : from.list(() => parseSelected(from))
  from.expects('from')
  const table = parseTableName(from)
  const where = parseWhere(from)
  const groupBy = from.takes('group', 'by') ? from.list(() => from.name()) : []
  const orderBy = from.takes('order', 'by') ? from.list(() => parseOrder(from)) : []
  const perPartitionLimit: Term | null = from.takes('per', 'partition', 'limit') ? parseTerm(from) : null
  const limit = from.takes('limit') ? parseTerm(from) : null
  const allowFiltering = from.takes('allow', 'filtering')
  return { is: 'select', table, json, distinct, columns, where, groupBy, orderBy, perPartitionLimit, limit, allowFiltering }
}

/** `json` and `distinct` are column names too: then a comma, FROM, AS or a bracket follows. */
function isAfterName(from: TokenReader): boolean {
  const { kind, text } = from.peek(1)
  return (kind === 'op' && text !== '*') || (kind === 'name' && (text === 'from' || text === 'as'))
}

function parseOrder(from: TokenReader): { column: string; descending: boolean } {
  const column = from.name()
  const descending = from.takes('desc')
  if (!descending) from.takes('asc')
  return { column, descending }
}

function parseSelected(from: TokenReader): SelectedColumn {
  const selection = parseSelection(from, 0)
  return { selection, alias: from.takes('as') ? from.name() : null }
}

const additive = ['+', '-'] as const
const multiplicative = ['*', '/', '%'] as const

function parseSelection(from: TokenReader, depth: number): Selection {
  let left = parseProduct(from, depth)
  for (;;) {
    const op = additive.find((each) => from.takesOp(each))
    if (!op) return left
    from.countOperator()
    left = { is: 'arithmetic', op, left, right: parseProduct(from, depth) }
  }
}

function parseProduct(from: TokenReader, depth: number): Selection {
  let left = parseSimple(from, depth)
  for (;;) {
    const op = multiplicative.find((each) => from.takesOp(each))
    if (!op) return left
    from.countOperator()
    left = { is: 'arithmetic', op, left, right: parseSimple(from, depth) }
  }
}

function parseSimple(from: TokenReader, depth: number): Selection {
  if (depth > 32) throw from.error('selection nested too deeply')
  const token = from.peek()
  if (token.kind === 'op' && token.text === '-') return parseNegation(from, depth)
  if (token.kind === 'op' && token.text === '(') return parseParentheses(from, depth)
  const isName = token.kind === 'quoted' || token.kind === 'name'
  if (!isName || (token.kind === 'name' && ['true', 'false', 'null', 'nan', 'infinity'].includes(token.text))) {
    return { is: 'term', term: parseSimpleTerm(from) }
  }
  parseSystemPrefix(from)
  const called = from.peek(1).kind === 'op' && from.peek(1).text === '('
  if (!called) return parseElement(from, { is: 'column', name: from.name() })
  if (from.sees('cast')) return parseCast(from, depth)
  const name = from.sees('token') ? from.next().text : from.name()
  from.expectsOp('(')
  if (name === 'count' && (from.takesOp('*') || (from.peek().kind === 'integer' && from.peek().text === '1' && from.next()))) {
    from.expectsOp(')')
    return { is: 'count' }
  }
  const args = from.seesOp(')') ? [] : from.list(() => parseSelection(from, depth + 1))
  from.expectsOp(')')
  return { is: 'call', name, args }
}

function parseNegation(from: TokenReader, depth: number): Selection {
  const { kind } = from.peek(1)
  if (kind === 'integer' || kind === 'float' || kind === 'duration') return { is: 'term', term: parseSimpleTerm(from) }
  from.next()
  return { is: 'negation', of: parseSimple(from, depth + 1) }
}

/** `(int)x` says a type, `(a + 1)` is arithmetic, and `(1, 2)` a tuple. */
function parseParentheses(from: TokenReader, depth: number): Selection {
  const [first, second] = [from.peek(1), from.peek(2)]
  const mayBeType = first.kind === 'name' && second.kind === 'op' && (second.text === ')' || second.text === '<')
  if (mayBeType && (second.text === '<' || parseType(first.text) !== null)) {
    from.next()
    const type = parseTypeText(from)
    from.expectsOp(')')
    return { is: 'typed', type, of: parseSimple(from, depth + 1) }
  }
  if (first.kind !== 'name' && first.kind !== 'quoted' && !(first.kind === 'op' && first.text === '(')) {
    return { is: 'term', term: parseSimpleTerm(from) }
  }
  from.next()
  const inner = parseSelection(from, depth + 1)
  from.expectsOp(')')
  return inner
}

/** `m['a']`, `s[1..3]` */
function parseElement(from: TokenReader, of: Selection): Selection {
  if (!from.takesOp('[')) return of
  const key = from.seesOp('..') ? null : parseTerm(from)
  if (!from.takesOp('..')) {
    from.expectsOp(']')
    if (!key) throw from.noAlternative()
    return { is: 'element', of, key }
  }
  const to = from.seesOp(']') ? null : parseTerm(from)
  from.expectsOp(']')
  return { is: 'slice', of, from: key, to }
}

function parseCast(from: TokenReader, depth: number): Selection {
  from.next()
  from.expectsOp('(')
  const of = parseSelection(from, depth + 1)
  from.expects('as')
  const type = parseTypeText(from)
  from.expectsOp(')')
  return { is: 'cast', of, type }
}
