import { UNSET, type BoundValue, type CqlType } from '../../cql-wire/index.ts'
import type { Comparison, Condition, Term } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import { isMultiCell, type Column, type Table } from '../schema/index.ts'
import { containsFilter } from './element-filters.ts'
import type { Receiver, Scope } from './scope.ts'
import type { Bytes } from './selector.ts'
import { valueOf, type TableRow } from './table-row.ts'
import { compileTerm, type TermContext } from './terms.ts'
import { compareValues, elementsOf } from './values.ts'
import { columnNamed } from './where.ts'

export interface CompiledCondition {
  column: Column
  test: (row: TableRow, scope: Scope) => boolean
}

/** What a condition looks at: the column's value, or that of one of its elements. */
interface Looked {
  receiver: Receiver
  /** Of a collection that is not frozen: an empty one is none. */
  emptyIsNull: boolean
  read: (row: TableRow, scope: Scope) => Bytes
}

/** One condition of an IF clause. @throws CqlRefusal when its column, its element or its operator is none that can be asked about */
export function compileCondition(table: Table, condition: Condition, context: TermContext): CompiledCondition {
  const column = columnNamed(table, condition.column)
  if (column.kind === 'partition_key' || column.kind === 'clustering')
    throw invalid(`PRIMARY KEY column '${column.name}' cannot have IF conditions`)
  if (condition.is === 'contains') {
    const { test } = containsFilter(column, condition.key, condition.term, context)
    return { column, test: (row, scope) => test(scope)(row) }
  }
  const looked = condition.element ? elementOf(column, condition.element, context) : whole(column)
  const test = condition.is === 'in' ? isOneOf(looked, condition.terms, context) : compares(looked, condition.op, condition.term, context)
  return { column, test }
}

function whole(column: Column): Looked {
  return { receiver: column, emptyIsNull: isMultiCell(column), read: (row, { nowSeconds }) => valueOf(column, row, nowSeconds) }
}

/** `m['a']`, `l[0]`; null where there is none. */
function elementOf(column: Column, element: Term, context: TermContext): Looked {
  const { type, name } = column
  if (type.is !== 'list' && type.is !== 'map') throw invalid(`Invalid element access syntax for ${type.is} column ${name}`)
  const keyType: CqlType = type.is === 'map' ? type.key : { is: 'int' }
  const key = compileTerm(element, { name: `${type.is === 'map' ? 'key' : 'idx'}(${name})`, type: keyType }, context)
  return {
    receiver: { name: `value(${name})`, type: type.is === 'map' ? type.value : type.of },
    emptyIsNull: false,
    read: (row, scope) => {
      const wanted = needed(key(scope), type.is === 'map' ? 'map element access' : 'list element access')
      const place = type.is === 'list' ? Buffer.from(wanted).readInt32BE(0) : 0
      if (place < 0) throw invalid(`Invalid negative list index ${place}`)
      const value = valueOf(column, row, scope.nowSeconds)
      if (value === null) return null
      const elements = elementsOf(type, value)
      if (type.is === 'list') return elements[place] ?? null
      const found = elements.findIndex((each, i) => i % 2 === 0 && compareValues(keyType, each, wanted) === 0)
      return found < 0 ? null : (elements[found + 1] ?? null)
    },
  }
}

function needed(value: BoundValue, where: string): Uint8Array {
  if (value === UNSET) throw invalid(`Invalid unset value for ${where}`)
  if (value === null) throw invalid(`Invalid null value for ${where}`)
  return value
}

function conditionValue(value: BoundValue): Bytes {
  if (value === UNSET) throw invalid(`Invalid 'unset' value in condition`)
  return value
}

function isOneOf({ receiver, read }: Looked, terms: Term[] | Term, context: TermContext): CompiledCondition['test'] {
  const { type } = receiver
  const same = (a: Bytes, b: Bytes): boolean => (a && b ? compareValues(type, a, b) === 0 : a === b)
  if (Array.isArray(terms)) {
    const compiled = terms.map((term) => compileTerm(term, receiver, context))
    return (row, scope) => {
      const value = read(row, scope)
      return compiled.some((term) => same(value, conditionValue(term(scope))))
    }
  }
  const list = { is: 'list', of: type, frozen: true } as const
  const compiled = compileTerm(terms, { name: `in(${receiver.name})`, type: list }, context)
  return (row, scope) => {
    const value = read(row, scope)
    return elementsOf(list, needed(compiled(scope), `IN list of ${receiver.name}`)).some((each) => same(value, each))
  }
}

function compares({ receiver, emptyIsNull, read }: Looked, op: Comparison, term: Term, context: TermContext): CompiledCondition['test'] {
  const { type } = receiver
  const isSlice = op !== '=' && op !== '!='
  if (isSlice && type.is === 'duration') throw invalid(`Slice conditions ( ${op} ) are not supported on durations`)
  const compiled = compileTerm(term, receiver, context)
  return (row, scope) => {
    const given = conditionValue(compiled(scope))
    const wanted = given && emptyIsNull && !isSlice && elementsOf(type, given).length === 0 ? null : given
    if (wanted === null && isSlice) throw invalid(`Invalid comparison with null for operator "${op}"`)
    const value = read(row, scope)
    if (value === null || wanted === null) return op === '=' ? value === wanted : op === '!=' && value !== wanted
    const order = compareValues(type, value, wanted)
    if (op === '=') return order === 0
    if (op === '!=') return order !== 0
    return op.startsWith('<') ? order < 0 || (op === '<=' && order === 0) : order > 0 || (op === '>=' && order === 0)
  }
}
