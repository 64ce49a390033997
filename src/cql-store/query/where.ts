import { formatType, UNSET, type CqlType } from '../../cql-wire/index.ts'
import { formatTerm, type Comparison, type Relation, type Term } from '../lang/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import { isMultiCell, qualifiedName, type Column, type IndexKind, type Table } from '../schema/index.ts'
import { containsFilter, entryFilter } from './element-filters.ts'
import type { Scope } from './scope.ts'
import { compileTerm, compileValue, type TermContext } from './terms.ts'
import { valueOf, type TableRow } from './table-row.ts'
import { compareValues, elementsOf, fieldsOf } from './values.ts'

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

/** `(a, b) IN ((1, 2), (3, 4))`: the values of each tuple, without doubles, in clustering order. */
export interface TupleIn {
  columns: readonly Column[]
  values: (scope: Scope) => Uint8Array[][]
}

/** A condition that only looking at a row can decide. */
export interface Filter {
  column: Column
  test: (scope: Scope) => (row: TableRow) => boolean
  /** Of a condition on an element of a collection: the kind of index that finds it, and what is looked up there. */
  element?: { kind: IndexKind; parts: Values }
}

export interface Where {
  columns: ReadonlyMap<string, ColumnRestriction>
  tuples: readonly TupleBound[]
  tupleIns: readonly TupleIn[]
  tokens: readonly TokenBound[]
  /** Restrictions that are no equality or slice. */
  filters: readonly Filter[]
  /** For each column of the partition key, the marker that gives it with `=`. */
  keyMarkers: (number | null)[]
}

interface Building {
  columns: Map<string, ColumnRestriction>
  tuples: TupleBound[]
  tupleIns: TupleIn[]
  tokens: TokenBound[]
  filters: Filter[]
  keyMarkers: (number | null)[]
}

/** Compiles a WHERE clause against its table; whether the restrictions can be answered is the statement's to say. */
export function analyseWhere(table: Table, relations: readonly Relation[], context: TermContext): Where {
  const where: Building = {
    columns: new Map(),
    tuples: [],
    tupleIns: [],
    tokens: [],
    filters: [],
    keyMarkers: table.partitionKey.map(() => null),
  }
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
      return addTupleIn(where, table, relation, context)
    case 'contains':
      where.filters.push(containsFilter(columnNamed(table, relation.column), relation.key, relation.term, context))
      return
    case 'entry':
      where.filters.push(entryFilter(columnNamed(table, relation.column), relation, context))
      return
    case 'like':
      return refuseLike(columnNamed(table, relation.column), relation.term, context)
    case 'not-null':
      throw invalid(`Unsupported restriction: ${columnNamed(table, relation.column).name} IS NOT NULL`)
  }
}

/** Cassandra has it for SASI indexes alone, which are switched off unless its configuration says otherwise. */
function refuseLike(column: Column, term: Term, context: TermContext): never {
  if (isMultiCell(column))
    throw invalid(`Collection column '${column.name}' (${formatType(column.type)}) cannot be restricted by a 'LIKE' relation`)
  compileTerm(term, column, context)
  throw invalid(`LIKE restriction is only supported on properly indexed columns. ${column.name} LIKE ${formatTerm(term)} is not valid.`)
}

function restrictionOf(where: Building, column: Column): ColumnRestriction {
  const known = where.columns.get(column.name)
  if (known) return known
  const fresh: ColumnRestriction = { column, equals: null, isIn: false, lower: null, upper: null }
  where.columns.set(column.name, fresh)
  return fresh
}

function addComparison(where: Building, column: Column, op: Comparison, term: Term, context: TermContext): void {
  if (op === '!=') throw invalid(`Unsupported "!=" relation: ${column.name} != …`)
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
  // Of one value it is an equality.
  restriction.isIn = !Array.isArray(terms) || terms.length > 1
  restriction.equals = compileList(column, terms, context)
}

/** The values of an IN list: each once, in the order of their type. */
export function compileList(column: Column, terms: Term[] | Term, context: TermContext): Values {
  const { type } = column
  const unique = (values: Uint8Array[]): Uint8Array[] => {
    const sorted = values.toSorted((a, b) => compareValues(type, a, b))
    return sorted.filter((value, i) => i === 0 || compareValues(type, value, sorted[i - 1] ?? value) !== 0)
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

function tupleColumns(table: Table, names: readonly string[]): Column[] {
  const columns = names.map((name) => columnNamed(table, name))
  const other = columns.find((column) => column.kind !== 'clustering')
  if (other) throw invalid(`Multi-column relations can only be applied to clustering columns but was applied to: ${other.name}`)
  const first = columns[0]?.position ?? 0
  if (columns.some((column, i) => column.position !== first + i))
    throw invalid(`Clustering columns must appear in the PRIMARY KEY order in multi-column relations: (${names.join(', ')})`)
  return columns
}

function tupleType(columns: readonly Column[]): CqlType {
  return { is: 'tuple', of: columns.map(({ type }) => type) }
}

/** The fields of a tuple that is bound as a whole: as many as columns, none of them null. */
function boundFields(columns: readonly Column[], tuple: Uint8Array): Uint8Array[] {
  const fields = fieldsOf(tuple)
  return columns.map(({ name }, i) => fields[i] ?? nullIn(name))
}

function nullIn(name: string): never {
  throw invalid(`Invalid null value in condition for column ${name}`)
}

function tupleValues(columns: readonly Column[], term: Term, context: TermContext): Value[] {
  if (term.is === 'bind') {
    const names = columns.map(({ name }) => name).join(',')
    const compiled = compileValue(term, { name: `(${names})`, type: tupleType(columns) }, context)
    return columns.map((_, i) => (scope) => boundFields(columns, compiled(scope))[i] ?? new Uint8Array(0))
  }
  if (term.is !== 'tuple') throw invalid(`Invalid value for the columns (${columns.map(({ name }) => name).join(', ')})`)
  const { items } = term
  if (items.length !== columns.length) throw invalid(`Expected ${columns.length} elements in value tuple, but got ${items.length}`)
  return columns.map((column, i) => compileValue(items[i] ?? { is: 'literal', kind: 'null', text: 'null' }, column, context))
}

function addTuple(where: Building, table: Table, relation: Extract<Relation, { is: 'tuple' }>, context: TermContext): void {
  const columns = tupleColumns(table, relation.columns)
  const { op, term } = relation
  if (op === '!=') throw invalid(`Unsupported "!=" relation: (${relation.columns.join(', ')}) != …`)
  if (op === '=' && term.is === 'tuple' && term.items.length === columns.length) {
    const { items } = term
    return columns.forEach((column, i) =>
      addComparison(where, column, '=', items[i] ?? { is: 'literal', kind: 'null', text: 'null' }, context),
    )
  }
  const values = tupleValues(columns, term, context)
  where.tuples.push({ columns, values, isLower: op === '>' || op === '>=', inclusive: op.endsWith('=') })
}

/** The tuples of an IN list, written out or bound as a whole. */
function tupleList(columns: readonly Column[], terms: Term[] | Term, context: TermContext): (scope: Scope) => Uint8Array[][] {
  if (Array.isArray(terms)) {
    const tuples = terms.map((term) => tupleValues(columns, term, context))
    return (scope) => tuples.map((tuple) => tuple.map((value) => value(scope)))
  }
  const list = { is: 'list', of: tupleType(columns), frozen: true } as const
  const compiled = compileValue(terms, { name: `in(${columns.map(({ name }) => name).join(',')})`, type: list }, context)
  return (scope) => elementsOf(list, compiled(scope)).map((tuple) => boundFields(columns, tuple))
}

function addTupleIn(where: Building, table: Table, relation: Extract<Relation, { is: 'tuple-in' }>, context: TermContext): void {
  const columns = tupleColumns(table, relation.columns)
  const tuples = tupleList(columns, relation.terms, context)
  const order = (a: readonly Uint8Array[], b: readonly Uint8Array[]): number => {
    for (const [i, { type, descending }] of columns.entries()) {
      const sign = compareValues(type, a[i] ?? new Uint8Array(0), b[i] ?? new Uint8Array(0))
      if (sign !== 0) return descending ? -sign : sign
    }
    return 0
  }
  where.tupleIns.push({
    columns,
    values: (scope) => {
      const sorted = tuples(scope).toSorted(order)
      return sorted.filter((values, i) => i === 0 || order(values, sorted[i - 1] ?? values) !== 0)
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
      return (row) => {
        const value = valueOf(column, row, scope.nowSeconds)
        if (value === null) return false
        if (wanted) return wanted.some((each) => compareValues(type, value, each) === 0)
        if (from && compareValues(type, value, from) < (lower?.inclusive ? 0 : 1)) return false
        return !to || compareValues(type, value, to) <= (upper?.inclusive ? 0 : -1)
      }
    },
  }
}

/** Several columns compared at once, as a test of a row. */
export function tupleFilter({ columns, values, isLower, inclusive }: TupleBound): Filter {
  return rowFilterOf(columns, (scope) => {
    const wanted = values.map((value) => value(scope))
    return (order) => {
      const sign = order(wanted)
      return sign === 0 ? inclusive : sign > 0 === isLower
    }
  })
}

export function tupleInFilter({ columns, values }: TupleIn): Filter {
  return rowFilterOf(columns, (scope) => {
    const wanted = values(scope)
    return (order) => wanted.some((each) => order(each) === 0)
  })
}

/** `decide` is given how the row's columns compare to values: the sign of the first that differs. */
function rowFilterOf(
  columns: readonly Column[],
  decide: (scope: Scope) => (order: (values: readonly Uint8Array[]) => number) => boolean,
): Filter {
  const [column] = columns
  if (!column) throw new RangeError('a relation on no columns')
  return {
    column,
    test: (scope) => {
      const holds = decide(scope)
      return (row) => {
        const own = columns.map((each) => valueOf(each, row, scope.nowSeconds))
        if (own.some((value) => value === null)) return false
        return holds((values) => {
          for (const [i, each] of columns.entries()) {
            const sign = compareValues(each.type, own[i] ?? new Uint8Array(0), values[i] ?? new Uint8Array(0))
            if (sign !== 0) return sign
          }
          return 0
        })
      }
    },
  }
}

/** All partition keys that `=` and `IN` name, each as its columns' values. */
export function partitionKeysOf(table: Table, where: Where, scope: Scope): Uint8Array[][] {
  return combinations(table.partitionKey.map((column) => equalsOf(where, column, scope)))
}

/** The values that `=` or IN gives a column, each as a list of its own. */
export function equalsOf(where: Where, column: Column, scope: Scope): Uint8Array[][] {
  return (where.columns.get(column.name)?.equals?.(scope) ?? []).map((value) => [value])
}

/** Rows, or partitions, that the IN lists of one statement may name together. */
const mostCombinations = 65_535

/** @throws CqlRefusal when lists of these lengths name too much together */
export function checkCombinations(...lengths: readonly number[]): void {
  const count = lengths.reduce((product, length) => product * length, 1)
  if (count > mostCombinations) throw invalid(`The IN lists name ${count} combinations together: more than ${mostCombinations}`)
}

/** Each of the first with each of the second and so on. @throws CqlRefusal when that is too many */
export function combinations(steps: readonly Uint8Array[][][]): Uint8Array[][] {
  checkCombinations(...steps.map(({ length }) => length))
  return steps.reduce<Uint8Array[][]>((keys, step) => keys.flatMap((key) => step.map((values) => [...key, ...values])), [[]])
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
