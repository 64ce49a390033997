import { murmur3Token, compositeKey, parseType, formatType, UNSET, type CqlType } from '../../cql-wire/index.ts'
import type { SelectedColumn, Selection } from '../lang/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import { isMultiCell, type Table } from '../schema/index.ts'
import { isCellLive } from '../storage/index.ts'
import { aggregateOf, isAggregate, type Aggregate } from './aggregates.ts'
import { castTo } from './cast.ts'
import type { Scope } from './scope.ts'
import { cellsOf, valueOf, type TableRow } from './table-row.ts'
import { callOf, compileTerm, naturalType, resolveFunction, type TermContext } from './terms.ts'
import { columnNamed } from './where.ts'

/** One column of a result. */
export interface Selector {
  name: string
  type: CqlType
  value: (row: TableRow, scope: Scope) => Uint8Array | null
  /** Set for aggregates, which see every row and give one value. */
  aggregate: (() => Aggregate) | null
}

export function compileSelectors(table: Table, columns: readonly SelectedColumn[] | null, context: TermContext): Selector[] {
  if (!columns) return table.selectOrder.map((column) => columnSelector(table, column.name))
  return columns.map(({ selection, alias }) => {
    const selector = compileSelection(table, selection, context)
    return alias === null ? selector : { ...selector, name: alias }
  })
}

function columnSelector(table: Table, name: string): Selector {
  const column = columnNamed(table, name)
  return { name, type: column.type, aggregate: null, value: (row, { nowSeconds }) => valueOf(column, row, nowSeconds) }
}

function compileSelection(table: Table, selection: Selection, context: TermContext): Selector {
  switch (selection.is) {
    case 'column':
      return columnSelector(table, selection.name)
    case 'count':
      return { name: 'count', type: { is: 'bigint' }, aggregate: () => aggregateOf('countrows', { is: 'int' }).start(), value: () => null }
    case 'cast':
      return compileCast(table, selection, context)
    case 'element':
      throw unsupported('selecting an element of a collection')
    case 'term': {
      const type = naturalType(selection.term)
      if (!type) throw invalid('Cannot infer type for term in selection clause (try using a cast to force a type)')
      const term = compileTerm(selection.term, { name: '[selection]', type }, context)
      return { name: formatType(type), type, aggregate: null, value: (_row, scope) => valueOrNull(term(scope)) }
    }
    case 'call':
      return compileCall(table, selection.name, selection.args, context)
  }
}

function valueOrNull(value: Uint8Array | null | typeof UNSET): Uint8Array | null {
  return value === UNSET ? null : value
}

function compileCast(table: Table, { of, type: text }: Extract<Selection, { is: 'cast' }>, context: TermContext): Selector {
  const inner = compileSelection(table, of, context)
  const type = parseType(text)
  if (!type) throw invalid(`Unknown type ${text}`)
  if (inner.aggregate) throw unsupported('CAST of an aggregate')
  const cast = castTo(inner.type, type)
  return {
    name: `cast(${inner.name} as ${text})`,
    type,
    aggregate: null,
    value: (row, scope) => {
      const value = inner.value(row, scope)
      return value === null ? null : cast(value)
    },
  }
}

function compileCall(table: Table, name: string, args: readonly Selection[], context: TermContext): Selector {
  const lower = name.toLowerCase()
  if (lower === 'writetime' || lower === 'ttl') return compileCellTime(table, lower, args)
  if (lower === 'maxwritetime') throw unsupported('the function maxwritetime')
  if (lower === 'token') return tokenSelector(table, args, context)
  const inner = args.map((arg) => compileSelection(table, arg, context))
  const title = `system.${lower}(${inner.map((each) => each.name).join(', ')})`
  if (inner.some((each) => each.aggregate)) throw unsupported('a function of an aggregate')
  const [first] = inner
  if (isAggregate(lower)) {
    if (!first || inner.length !== 1)
      throw invalid(`Invalid number of arguments in call to function ${lower}: 1 required but ${inner.length} provided`)
    const { type, start } = aggregateOf(lower, first.type)
    return { name: lower === 'count' ? `system.count(${first.name})` : title, type, value: first.value, aggregate: start }
  }
  const fn = resolveFunction(
    lower,
    inner.map((each) => each.type),
  )
  return {
    name: title,
    type: { is: fn.result },
    aggregate: null,
    value: (row, scope) =>
      valueOrNull(
        callOf(
          fn,
          inner.map((each) => () => each.value(row, scope)),
        )(scope),
      ),
  }
}

function tokenSelector(table: Table, args: readonly Selection[], context: TermContext): Selector {
  const names = table.partitionKey.map((column) => column.name)
  const inner = args.map((arg) => compileSelection(table, arg, context))
  if (inner.length !== names.length)
    throw invalid(`Invalid number of arguments in call to function system.token: ${names.length} required but ${inner.length} provided`)
  const isOwn = args.every((arg, i) => arg.is === 'column' && arg.name === names[i])
  return {
    name: `system.token(${inner.map((each) => each.name).join(', ')})`,
    type: { is: 'bigint' },
    aggregate: null,
    value: (row, scope) => {
      const out = Buffer.alloc(8)
      const parts = inner.map((each) => each.value(row, scope))
      if (parts.some((part) => part === null)) return null
      out.writeBigInt64BE(isOwn ? row.token : murmur3Token(compositeKey(parts.filter((part) => part !== null))))
      return out
    },
  }
}

function compileCellTime(table: Table, name: 'writetime' | 'ttl', args: readonly Selection[]): Selector {
  const [arg] = args
  if (arg?.is !== 'column' || args.length !== 1) throw invalid(`The ${name} function takes one column`)
  const column = columnNamed(table, arg.name)
  if (column.kind === 'partition_key' || column.kind === 'clustering') {
    throw invalid(`Cannot use selection function ${name === 'ttl' ? 'ttl' : 'writeTime'} on PRIMARY KEY part ${column.name}`)
  }
  if (isMultiCell(column)) throw unsupported(`${name} of a non-frozen collection`)
  return {
    name: `${name}(${column.name})`,
    type: { is: name === 'ttl' ? 'int' : 'bigint' },
    aggregate: null,
    value: (row, { nowSeconds }) => {
      const cell = cellsOf(column, row)[0]
      if (!cell || !isCellLive(cell, nowSeconds) || (name === 'ttl' && cell.at === 0)) return null
      const out = Buffer.alloc(name === 'ttl' ? 4 : 8)
      if (name === 'ttl') out.writeInt32BE(cell.at - nowSeconds)
      else out.writeBigInt64BE(cell.timestamp)
      return out
    },
  }
}
