import { formatType, UNSET } from '../../cql-wire/index.ts'
import type { Comparison, Relation, Term } from '../lang/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import { isMultiCell, qualifiedName, type Column, type Table } from '../schema/index.ts'
import type { Scope } from './scope.ts'
import { compileTerm, compileValue, type TermContext } from './terms.ts'
import { compareValues, elementsOf } from './values.ts'

export type Value = (scope: Scope) => Uint8Array
export type Values = (scope: Scope) => Uint8Array[]

/** What a WHERE clause says about one column. */
export interface ColumnRestriction {
  column: Column
  /** `=`: one value; `IN`: several. */
  equals: Values | null
  isIn: boolean
  lower: { value: Value; inclusive: boolean } | null
  upper: { value: Value; inclusive: boolean } | null
}

/** Several clustering columns compared at once: `(a, b) > (1, 2)`. */
export interface TupleBound {
  columns: readonly Column[]
  values: readonly Value[]
  isLower: boolean
  inclusive: boolean
}

export interface TokenBound {
  value: Value
  op: Comparison
}

/** A condition that only looking at a row can decide. */
export interface Filter {
  column: Column
  test: (scope: Scope) => (value: Uint8Array | null) => boolean
}

export interface Where {
  columns: ReadonlyMap<string, ColumnRestriction>
  tuples: readonly TupleBound[]
  tokens: readonly TokenBound[]
  /** Restrictions that are no equality or slice. */
  filters: readonly Filter[]
  /** For each column of the partition key, the marker that gives it with `=`. */
  keyMarkers: (number | null)[]
}

interface Building {
  columns: Map<string, ColumnRestriction>
  tuples: TupleBound[]
  tokens: TokenBound[]
  filters: Filter[]
  keyMarkers: (number | null)[]
}

/** Compiles a WHERE clause against its table; whether the restrictions can be answered is the statement's to say. */
export function analyseWhere(table: Table, relations: readonly Relation[], context: TermContext): Where {
  const where: Building = { columns: new Map(), tuples: [], tokens: [], filters: [], keyMarkers: table.partitionKey.map(() => null) }
  for (const relation of relations) addRelation(where, table, relation, context)
  return where
}

export function columnNamed(table: Table, name: string): Column {
  const column = table.byName.get(name)
  if (!column) throw invalid(`Undefined column name ${name} in table ${qualifiedName(table)}`)
  return column
}

function addRelation(where: Building, table: Table, relation: Relation, context: TermContext): void {
  switch (relation.is) {
    case 'compare':
      return addComparison(where, columnNamed(table, relation.column), relation.op, relation.term, context)
    case 'in':
      return addIn(where, columnNamed(table, relation.column), relation.terms, context)
    case 'token':
      return addToken(where, table, relation, context)
    case 'tuple':
      return addTuple(where, table, relation, context)
    case 'tuple-in':
      throw unsupported('IN on several columns at once')
    case 'contains':
      return addContains(where, columnNamed(table, relation.column), relation.key, relation.term, context)
    case 'entry':
      throw unsupported('a restriction on an entry of a map')
  }
}

function restrictionOf(where: Building, column: Column): ColumnRestriction {
  const known = where.columns.get(column.name)
  if (known) return known
  const fresh: ColumnRestriction = { column, equals: null, isIn: false, lower: null, upper: null }
  where.columns.set(column.name, fresh)
  return fresh
}

function addComparison(where: Building, column: Column, op: Comparison, term: Term, context: TermContext): void {
  if (op === '!=') throw unsupported('the operator != in WHERE')
  if (isMultiCell(column))
    throw invalid(`Collection column '${column.name}' (${formatType(column.type)}) cannot be restricted by a '${op}' relation`)
  const value = compileValue(term, column, context)
  const restriction = restrictionOf(where, column)
  if (op === '=') {
    if (restriction.equals || restriction.lower || restriction.upper) {
      throw invalid(`${column.name} cannot be restricted by more than one relation if it includes an Equal`)
    }
    restriction.equals = (scope) => [value(scope)]
    if (column.kind === 'partition_key' && term.is === 'bind') where.keyMarkers[column.position] = term.index
    return
  }
  const isLower = op === '>' || op === '>='
  if (restriction.equals) throw invalid(`${column.name} cannot be restricted by more than one relation if it includes an Equal`)
  if (column.type.is === 'duration') throw invalid(`Slice restrictions are not supported on duration columns`)
  if (isLower ? restriction.lower : restriction.upper) {
    throw invalid(`More than one restriction was found for the ${isLower ? 'start' : 'end'} bound on ${column.name}`)
  }
  restriction[isLower ? 'lower' : 'upper'] = { value, inclusive: op.endsWith('=') }
}

function addIn(where: Building, column: Column, terms: Term[] | Term, context: TermContext): void {
  if (isMultiCell(column))
    throw invalid(`Collection column '${column.name}' (${formatType(column.type)}) cannot be restricted by a 'IN' relation`)
  const restriction = restrictionOf(where, column)
  if (restriction.equals || restriction.lower || restriction.upper)
    throw invalid(`${column.name} cannot be restricted by more than one relation if it includes a IN`)
  restriction.isIn = true
  restriction.equals = compileList(column, terms, context)
}

/** The values of an IN list: each once, in the order of their type. */
export function compileList(column: Column, terms: Term[] | Term, context: TermContext): Values {
  const { type } = column
  const unique = (values: Uint8Array[]): Uint8Array[] => {
    const sorted = values.toSorted((a, b) => compareValues(type, a, b))
    return sorted.filter((value, i) => i === 0 || Buffer.compare(value, sorted[i - 1] ?? value) !== 0)
  }
  if (Array.isArray(terms)) {
    const compiled = terms.map((term) => compileValue(term, column, context))
    return (scope) => unique(compiled.map((value) => value(scope)))
  }
  const list = { is: 'list', of: type, frozen: true } as const
  const compiled = compileValue(terms, { name: `in(${column.name})`, type: list }, context)
  return (scope) => unique(elementsOf(list, compiled(scope)))
}

function addToken(where: Building, table: Table, { columns, op, term }: Extract<Relation, { is: 'token' }>, context: TermContext): void {
  const names = table.partitionKey.map((column) => column.name)
  if (columns.length !== names.length || columns.some((name) => !names.includes(columnNamed(table, name).name))) {
    throw invalid(`The token() function must be applied to all partition key components or none of them`)
  }
  if (columns.some((name, i) => name !== names[i]))
    throw invalid(`The token function arguments must be in the partition key order: ${names.join(', ')}`)
  if (op === '!=') throw unsupported('the operator != on token()')
  where.tokens.push({ op, value: compileValue(term, { name: 'partition key token', type: { is: 'bigint' } }, context, 'the token') })
}

function addTuple(where: Building, table: Table, relation: Extract<Relation, { is: 'tuple' }>, context: TermContext): void {
  const columns = relation.columns.map((name) => columnNamed(table, name))
  if (relation.term.is !== 'tuple') throw unsupported('a bind marker for a whole tuple of columns')
  const { items } = relation.term
  if (items.length !== columns.length) throw invalid(`Expected ${columns.length} elements in value tuple, but got ${items.length}`)
  if (relation.op === '!=') throw unsupported('the operator != on several columns')
  if (columns.some((column) => column.kind !== 'clustering'))
    throw invalid('Multi-column relations can only be applied to clustering columns')
  if (columns.some((column, i) => column !== table.clustering[i])) {
    throw unsupported('a relation on several clustering columns that does not begin with the first')
  }
  const { op } = relation
  if (op === '=')
    return columns.forEach((column, i) =>
      addComparison(where, column, '=', items[i] ?? { is: 'literal', kind: 'null', text: 'null' }, context),
    )
  if (new Set(columns.map((column) => column.descending)).size > 1)
    throw unsupported('a relation on several clustering columns of mixed order')
  const values = columns.map((column, i) => compileValue(items[i] ?? { is: 'literal', kind: 'null', text: 'null' }, column, context))
  where.tuples.push({ columns, values, isLower: op === '>' || op === '>=', inclusive: op.endsWith('=') })
}

function addContains(where: Building, column: Column, byKey: boolean, term: Term, context: TermContext): void {
  const { type } = column
  if (type.is !== 'list' && type.is !== 'set' && type.is !== 'map')
    throw invalid(`Cannot use CONTAINS on non-collection column ${column.name}`)
  if (byKey && type.is !== 'map') throw invalid(`Cannot use CONTAINS KEY on non-map column ${column.name}`)
  const element = type.is === 'map' ? (byKey ? type.key : type.value) : type.of
  const compiled = compileValue(term, { name: `${byKey ? 'key' : 'value'}(${column.name})`, type: element }, context)
  where.filters.push({
    column,
    test: (scope) => {
      const wanted = compiled(scope)
      return (value) => {
        if (value === null) return false
        const elements = elementsOf(type, value)
        return elements.some((each, i) => (type.is !== 'map' || i % 2 === (byKey ? 0 : 1)) && compareValues(element, each, wanted) === 0)
      }
    },
  })
}

/** A restriction as a test of a row's value. */
export function filterOf({ column, equals, lower, upper }: ColumnRestriction): Filter {
  const { type } = column
  return {
    column,
    test: (scope) => {
      const wanted = equals?.(scope)
      const from = lower?.value(scope)
      const to = upper?.value(scope)
      return (value) => {
        if (value === null) return false
        if (wanted) return wanted.some((each) => compareValues(type, value, each) === 0)
        if (from && compareValues(type, value, from) < (lower?.inclusive ? 0 : 1)) return false
        return !to || compareValues(type, value, to) <= (upper?.inclusive ? 0 : -1)
      }
    },
  }
}

/** All partition keys that `=` and `IN` name, each as its columns' values. */
export function partitionKeysOf(table: Table, where: Where, scope: Scope): Uint8Array[][] {
  return table.partitionKey.reduce<Uint8Array[][]>(
    (keys, column) => {
      const values = where.columns.get(column.name)?.equals?.(scope) ?? []
      return keys.flatMap((key) => values.map((value) => [...key, value]))
    },
    [[]],
  )
}

/** A value for LIMIT and its like: null when unset. */
export function compileCount(term: Term | null, name: string, context: TermContext): (scope: Scope) => number | null {
  if (!term) return () => null
  const compiled = compileTerm(term, { name: `[${name}]`, type: { is: 'int' } }, context)
  return (scope) => {
    const value = compiled(scope)
    if (value === UNSET) return null
    if (value === null) throw invalid(`Invalid null value of ${name}`)
    const count = Buffer.from(value).readInt32BE(0)
    if (count <= 0) throw invalid(`${name === 'limit' ? 'LIMIT' : 'PER PARTITION LIMIT'} must be strictly positive`)
    return count
  }
}
