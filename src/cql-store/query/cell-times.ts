import { UNSET, type CqlType } from '../../cql-wire/index.ts'
import { formatTerm, type Selection, type Term } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import { isMultiCell, type Column, type Table } from '../schema/index.ts'
import { isCellLive, type Cell } from '../storage/index.ts'
import type { Scope } from './scope.ts'
import { plain, type Bytes, type Selector } from './selector.ts'
import { cellsOf, type TableRow } from './table-row.ts'
import { compileTerm, type TermContext } from './terms.ts'
import { compareValues, nullableCollectionOf } from './values.ts'
import { columnNamed } from './where.ts'

type Name = 'writetime' | 'ttl' | 'maxwritetime'

const titles: Record<Name, string> = { writetime: 'writeTime', ttl: 'ttl', maxwritetime: 'maxwritetime' }

/** `writetime(column)`, `ttl(column)`, `maxwritetime(column)`: of a collection's elements a list, in their order. */
export function cellTimes(table: Table, name: Name, args: readonly Selection[], context: TermContext): Selector {
  const [arg] = args
  const of = arg?.is === 'element' || arg?.is === 'slice' ? arg.of : arg
  if (of?.is !== 'column' || args.length !== 1) throw invalid(`The ${titles[name]} function takes one column`)
  const column = columnNamed(table, of.name)
  if (column.kind === 'partition_key' || column.kind === 'clustering') {
    throw invalid(`Cannot use selection function ${titles[name]} on PRIMARY KEY part ${column.name}`)
  }
  const one: CqlType = { is: name === 'ttl' ? 'int' : 'bigint' }
  if (arg?.is === 'element') {
    const path = elementPath(column, arg.key, context)
    return plain(`${name}(${column.name}[${formatTerm(arg.key)}])`, one, (row, scope) => {
      const wanted = path(scope)
      const cell = wanted && liveCells(column, row, scope).find((each) => each.path && Buffer.compare(each.path, wanted) === 0)
      return cell ? timeOf(name, cell, scope) : null
    })
  }
  const within = arg?.is === 'slice' ? pathsWithin(column, arg, context) : null
  const title = `${name}(${arg?.is === 'slice' ? sliceTitle(column, arg) : column.name})`
  if (name === 'maxwritetime') {
    return plain(title, one, (row, scope) => {
      const isWithin = within?.(scope)
      const [first, ...others] = liveCells(column, row, scope).filter(({ path }) => !isWithin || (path && isWithin(path)))
      if (!first) return null
      return timeOf(name, others.reduce((newest, each) => (each.timestamp > newest.timestamp ? each : newest), first), scope) // prettier-ignore
    })
  }
  if (!isMultiCell(column)) {
    return plain(title, one, (row, scope) => {
      const [cell] = liveCells(column, row, scope)
      return cell ? timeOf(name, cell, scope) : null
    })
  }
  const list = { is: 'list', of: one } as const
  return plain(title, list, (row, scope) => {
    const isWithin = within?.(scope)
    const cells = inOrder(column, liveCells(column, row, scope)).filter(({ path }) => !isWithin || (path && isWithin(path)))
    return cells.length === 0 ? null : nullableCollectionOf(cells.map((cell) => timeOf(name, cell, scope)))
  })
}

type Slice = Extract<Selection, { is: 'slice' }>

function sliceTitle({ name }: Column, { from, to }: Slice): string {
  return `${name}[${from ? formatTerm(from) : ''}..${to ? formatTerm(to) : ''}]`
}

/** `m['a'..'c']`: both ends included. */
function pathsWithin(column: Column, { from, to }: Slice, context: TermContext): (scope: Scope) => (path: Uint8Array) => boolean {
  const { type } = column
  const keyType = type.is === 'map' ? type.key : type.is === 'set' ? type.of : type
  const [lower, upper] = [from, to].map((term) => (term ? elementPath(column, term, context) : null))
  return (scope) => {
    const [least, most] = [lower?.(scope) ?? null, upper?.(scope) ?? null]
    return (path) => (!least || compareValues(keyType, path, least) >= 0) && (!most || compareValues(keyType, path, most) <= 0)
  }
}

function elementPath(column: Column, key: Term, context: TermContext): (scope: Scope) => Bytes {
  const { type } = column
  if (!isMultiCell(column) || (type.is !== 'map' && type.is !== 'set'))
    throw invalid(`Element selection is only allowed on sets and maps, but ${column.name} is a ${type.is}`)
  const term = compileTerm(key, { name: `key(${column.name})`, type: type.is === 'map' ? type.key : type.of }, context)
  return (scope) => {
    const value = term(scope)
    return value === UNSET ? null : value
  }
}

function liveCells(column: Column, row: TableRow, { nowSeconds }: Scope): Cell[] {
  return cellsOf(column, row).filter((cell) => isCellLive(cell, nowSeconds))
}

function inOrder({ type }: Column, cells: Cell[]): Cell[] {
  const keyType = type.is === 'set' ? type.of : type.is === 'map' ? type.key : null
  return keyType ? cells.toSorted((a, b) => compareValues(keyType, a.path ?? a.value, b.path ?? b.value)) : cells
}

function timeOf(name: Name, cell: Cell, { nowSeconds }: Scope): Bytes {
  if (name === 'ttl') {
    if (cell.at === 0) return null
    const out = Buffer.alloc(4)
    out.writeInt32BE(cell.at - nowSeconds)
    return out
  }
  const out = Buffer.alloc(8)
  out.writeBigInt64BE(cell.timestamp)
  return out
}
