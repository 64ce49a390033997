import { unsupported } from '../refusal.ts'
import type {
  Assignment,
  BatchStatement,
  Condition,
  DeleteStatement,
  If,
  InsertStatement,
  Modification,
  Term,
  UpdateStatement,
  Using,
} from './ast.ts'
import { continueTerm, parseComparison, parseInList, parseNeededWhere, parseSimpleTerm, parseTableName, parseTerm } from './parse-terms.ts'
import type { TokenReader } from './token-reader.ts'

/** After `INSERT`. */
export function parseInsert(from: TokenReader): InsertStatement {
  from.expects('into')
  const table = parseTableName(from)
  if (from.takes('json')) return parseInsertJson(from, table)
  from.expectsOp('(')
  const columns = from.list(() => from.name())
  from.expectsOp(')')
  from.expects('values')
  from.expectsOp('(')
  const values = from.list(() => parseTerm(from))
  from.expectsOp(')')
  const onlyIf: If = from.takes('if', 'not', 'exists') ? { is: 'not-exists' } : null
  return { is: 'insert', table, json: null, columns, values, using: parseUsing(from), onlyIf }
}

function parseInsertJson(from: TokenReader, table: InsertStatement['table']): InsertStatement {
  const { kind, text } = from.peek()
  if (kind !== 'string' && !(kind === 'op' && (text === '?' || text === ':'))) throw from.noAlternative()
  const term = parseSimpleTerm(from)
  const isDefault = from.takes('default')
  const defaultUnset = isDefault && from.takes('unset')
  if (isDefault && !defaultUnset && !from.takes('null')) throw from.noAlternative()
  const onlyIf: If = from.takes('if', 'not', 'exists') ? { is: 'not-exists' } : null
  return { is: 'insert', table, json: { term, defaultUnset }, columns: [], values: [], using: parseUsing(from), onlyIf }
}

/** After `UPDATE`. */
export function parseUpdate(from: TokenReader): UpdateStatement {
  const table = parseTableName(from)
  const using = parseUsing(from)
  from.expects('set')
  const assignments = from.list(() => parseAssignment(from))
  const where = parseNeededWhere(from)
  return { is: 'update', table, using, assignments, where, onlyIf: parseIf(from) }
}

/** After `DELETE`. */
export function parseDelete(from: TokenReader): DeleteStatement {
  const columns = from.sees('from') ? [] : from.list(() => parseDeleted(from))
  from.expects('from')
  const table = parseTableName(from)
  const using = parseUsing(from)
  const where = parseNeededWhere(from)
  return { is: 'delete', table, columns, using, where, onlyIf: parseIf(from) }
}

function parseDeleted(from: TokenReader): DeleteStatement['columns'][number] {
  const column = from.name()
  if (from.takesOp('.')) throw unsupported('deleting a field of a user-defined type')
  if (!from.takesOp('[')) return { column, element: null }
  const element = parseTerm(from)
  from.expectsOp(']')
  return { column, element }
}

function parseAssignment(from: TokenReader): Assignment {
  const column = from.name()
  if (from.takesOp('.')) throw unsupported('setting a field of a user-defined type')
  if (from.takesOp('[')) {
    const key = parseTerm(from)
    from.expectsOp(']')
    from.expectsOp('=')
    return { is: 'element', column, key, term: parseTerm(from) }
  }
  if (from.takesOp('+=')) return { is: 'append', column, term: parseTerm(from) }
  if (from.takesOp('-=')) return { is: 'remove', column, term: parseTerm(from) }
  from.expectsOp('=')
  if (isColumn(from)) {
    const other = from.name()
    if (other !== column) throw from.error(`Only expressions of the form X = X <op> <value> are supported.`)
    if (from.takesOp('+')) return { is: 'append', column, term: parseTerm(from) }
    if (from.takesOp('-')) return { is: 'remove', column, term: parseTerm(from) }
    // `c = c -1`: the lexer leaves the sign apart, so that this is the same as with a space.
    throw from.noAlternative()
  }
  const term = parseSimpleTerm(from)
  if (!from.seesOp('+') || !isPlainName(from, 1)) return { is: 'set', column, term: continueTerm(from, term) }
  from.takesOp('+')
  const other = from.name()
  if (other !== column) throw from.error(`Only expressions of the form X = <value> + X are supported.`)
  return { is: 'prepend', column, term }
}

/** A column's name, not the beginning of a call or a word that is a term. */
function isPlainName(from: TokenReader, ahead: number): boolean {
  const { kind, text } = from.peek(ahead)
  const after = from.peek(ahead + 1)
  if (after.kind === 'op' && after.text === '(') return false
  return kind === 'quoted' || (kind === 'name' && !['true', 'false', 'null', 'nan', 'infinity'].includes(text))
}

function isColumn(from: TokenReader): boolean {
  const { kind, text } = from.peek()
  const after = from.peek(1)
  return (
    (kind === 'quoted' || (kind === 'name' && !['true', 'false', 'null', 'nan', 'infinity'].includes(text))) &&
    after.kind === 'op' &&
    (after.text === '+' || after.text === '-')
  )
}

function parseUsing(from: TokenReader): Using {
  const using: Using = { timestamp: null, ttl: null }
  if (!from.takes('using')) return using
  do {
    if (from.takes('timestamp')) using.timestamp = parseTerm(from)
    else if (from.takes('ttl')) using.ttl = parseTerm(from)
    else throw from.noAlternative()
  } while (from.takes('and'))
  return using
}

function parseIf(from: TokenReader): If {
  if (!from.takes('if')) return null
  if (from.takes('exists')) return { is: 'exists' }
  const conditions = [parseCondition(from)]
  while (from.takes('and')) conditions.push(parseCondition(from))
  return { is: 'columns', conditions }
}

function parseCondition(from: TokenReader): Condition {
  const column = from.name()
  if (from.seesOp('.')) throw unsupported('a condition on a field of a user-defined type')
  let element: Term | null = null
  if (from.takesOp('[')) {
    element = parseTerm(from)
    from.expectsOp(']')
  } else if (from.takes('contains')) return { is: 'contains', column, element, key: from.takes('key'), term: parseTerm(from) }
  if (from.takes('in')) return { is: 'in', column, element, terms: parseInList(from) }
  return { is: 'compare', column, element, op: parseComparison(from), term: parseTerm(from) }
}

/** After `BEGIN`. */
export function parseBatch(from: TokenReader): BatchStatement {
  const kind = from.takes('unlogged') ? 'unlogged' : from.takes('counter') ? 'counter' : 'logged'
  from.expects('batch')
  const using = parseUsing(from)
  if (using.ttl) throw from.error('Global TTL on the BATCH statement is not supported.')
  const statements: Modification[] = []
  while (!from.takes('apply', 'batch')) {
    if (from.takes('insert')) statements.push(parseInsert(from))
    else if (from.takes('update')) statements.push(parseUpdate(from))
    else if (from.takes('delete')) statements.push(parseDelete(from))
    else throw from.mismatch('K_APPLY')
    from.takesOp(';')
  }
  return { is: 'batch', kind, using, statements }
}
