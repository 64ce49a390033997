import { UNSET, type CqlType } from '../../cql-wire/index.ts'
import type { Assignment } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import { isMultiCell, type Column } from '../schema/index.ts'
import type { Cell, RowWriter } from '../storage/index.ts'
import type { Times } from './target.ts'
import type { Scope } from './scope.ts'
import { compileTerm, type CompiledTerm, type TermContext } from './terms.ts'
import { elementsOf } from './values.ts'

/** Writes one column's cells. Column order is the caller's. */
export interface CompiledAssignment {
  column: Column
  /** It wants to know what is stored: some operations on lists do. */
  readsFirst?: true
  write: (rows: RowWriter, scope: Scope, times: Times, stored: Stored) => void
}

/** The live cells of a column in the row that is written to. */
export type Stored = (column: Column, nowSeconds: number) => Cell[]

const none = new Uint8Array(0)

/** `column = term`, as INSERT and UPDATE SET have it: null is a tombstone, unset leaves the cell as it is. */
export function assignValue(column: Column, value: CompiledTerm): CompiledAssignment {
  const { id, type } = column
  if (isMultiCell(column)) return { column, write: (rows, scope, times) => writeCollection(rows, id, type, value(scope), times, scope) }
  return {
    column,
    write: (rows, scope, times) => {
      const bytes = value(scope)
      if (bytes === UNSET) return
      if (bytes === null) rows.cell(tombstone(id, times.timestamp, scope))
      else rows.value(id, times.timestamp, times.ttl, times.expiresAt, bytes)
    },
  }
}

export function tombstone(column: number, timestamp: bigint, scope: Scope, path: Uint8Array | null = null): Cell {
  if (path) checkPath(path)
  return { kind: 'tombstone', column, path, timestamp, ttl: 0, at: scope.nowSeconds, value: none }
}

function writeCollection(rows: RowWriter, id: number, type: CqlType, value: ReturnType<CompiledTerm>, times: Times, scope: Scope): void {
  if (value === UNSET) return
  // The old elements go at one microsecond earlier, so that the new ones, written at the same time, stay.
  rows.cell({
    kind: 'collection-deletion',
    column: id,
    path: null,
    timestamp: times.timestamp - 1n,
    ttl: 0,
    at: scope.nowSeconds,
    value: none,
  })
  if (value !== null) writeElements(rows, id, elementCells(type, value, times), times)
}

interface Element {
  path: Uint8Array
  value: Uint8Array
}

function elementCells(type: CqlType, value: Uint8Array, times: Times): Element[] {
  const elements = elementsOf(type, value)
  if (type.is === 'map')
    return Array.from({ length: elements.length / 2 }, (_, i) => ({ path: elements[2 * i] ?? none, value: elements[2 * i + 1] ?? none }))
  if (type.is === 'set') return elements.map((path) => ({ path, value: none }))
  // A list that is set as a whole is placed by its write time: set once more with the same time, it is the same list (P2).
  return elements.map((element, i) => ({ path: listPath(times.timestamp, i), value: element }))
}

/** Elements of a list are ordered by when they were added: time, then place. Prepended ones count backwards. */
function listPath(timestamp: bigint, place: number): Uint8Array {
  const path = Buffer.alloc(12)
  path.writeBigInt64BE(timestamp)
  path[0] = (path[0] ?? 0) ^ 0x80
  path.writeUInt32BE(place, 8)
  return path
}

function writeElements(rows: RowWriter, column: number, elements: Element[], times: Times): void {
  for (const { path, value } of elements.toSorted((a, b) => Buffer.compare(a.path, b.path))) {
    checkPath(path)
    rows.cell({ kind: 'value', column, path, timestamp: times.timestamp, ttl: times.ttl, at: times.expiresAt, value })
  }
}

/** What a record can hold. */
function checkPath(path: Uint8Array): void {
  if (path.length > 0xffff) throw invalid('The key of a collection element is longer than 65535 bytes')
}

/** One assignment of UPDATE SET. */
export function compileAssignment(assignment: Assignment, column: Column, context: TermContext): CompiledAssignment {
  const { type, id } = column
  if (assignment.is === 'set') return assignValue(column, compileTerm(assignment.term, column, context))
  if (!isMultiCell(column))
    throw invalid(
      `Invalid operation (${column.name} = ${column.name} ${assignment.is === 'remove' ? '-' : '+'} …) for non counter column ${column.name}`,
    )
  if (assignment.is === 'element') return assignElement(assignment, column, context)
  if (assignment.is === 'remove') return removeElements(assignment.term, column, context)
  if (assignment.is === 'prepend' && type.is !== 'list')
    throw invalid(`Invalid operation (${column.name} = … + ${column.name}) for non list column ${column.name}`)
  const value = compileTerm(assignment.term, column, context)
  const before = assignment.is === 'prepend'
  return {
    column,
    write: (rows, scope, times) => {
      const bytes = value(scope)
      if (bytes === UNSET || bytes === null) return
      const elements = elementCells(type, bytes, times)
      // By the server's time, whatever the write time, as in Cassandra; prepended ones count backwards from 1970.
      const now = type.is === 'list' ? scope.serverMicros() : 0n
      const at = before ? -now : now
      if (type.is === 'list') for (const [i, element] of elements.entries()) element.path = listPath(at, i)
      writeElements(rows, id, elements, times)
    },
  }
}

function assignElement(assignment: Extract<Assignment, { is: 'element' }>, column: Column, context: TermContext): CompiledAssignment {
  const { type, name, id } = column
  if (type.is === 'list') return assignAtIndex(assignment, column, type.of, context)
  if (type.is !== 'map') throw invalid(`Invalid operation (${name}[…] = …) for non map column ${name}`)
  const key = compileTerm(assignment.key, { name: `key(${name})`, type: type.key }, context)
  const value = compileTerm(assignment.term, { name: `value(${name})`, type: type.value }, context)
  return {
    column,
    write: (rows, scope, times) => {
      const path = key(scope)
      const bytes = value(scope)
      if (!(path instanceof Uint8Array)) throw invalid('Invalid null map key')
      if (bytes === UNSET) return
      if (bytes === null) rows.cell(tombstone(id, times.timestamp, scope, path))
      else writeElements(rows, id, [{ path, value: bytes }], times)
    },
  }
}

function removeElements(term: Parameters<typeof compileTerm>[0], column: Column, context: TermContext): CompiledAssignment {
  const { type, name, id } = column
  if (type.is === 'list') return removeValues(term, column, context)
  const of = type.is === 'map' ? type.key : type.is === 'set' ? type.of : type
  const keys = { is: 'set', of, frozen: true } as const
  const value = compileTerm(term, { name, type: keys }, context)
  return {
    column,
    write: (rows, scope, times) => {
      const bytes = value(scope)
      if (!(bytes instanceof Uint8Array)) return
      for (const path of elementsOf(keys, bytes).toSorted((a, b) => Buffer.compare(a, b)))
        rows.cell(tombstone(id, times.timestamp, scope, path))
    },
  }
}

/** The cell at a place of a list. @throws CqlRefusal when there is none */
function cellAt(column: Column, index: Uint8Array | null | typeof UNSET, cells: readonly Cell[], verb: 'set' | 'delete'): Cell {
  if (!(index instanceof Uint8Array)) throw invalid(`Invalid null value for list index`)
  if (cells.length === 0) throw invalid(`Attempted to ${verb} an element ${verb === 'set' ? 'on' : 'from'} a list which is null`)
  const place = Buffer.from(index).readInt32BE(0)
  const cell = cells[place]
  if (!cell) throw invalid(`List index ${place} out of bound, list has size ${cells.length} (column ${column.name})`)
  return cell
}

function assignAtIndex(
  assignment: Extract<Assignment, { is: 'element' }>,
  column: Column,
  of: CqlType,
  context: TermContext,
): CompiledAssignment {
  const index = compileTerm(assignment.key, { name: `idx(${column.name})`, type: { is: 'int' } }, context)
  const value = compileTerm(assignment.term, { name: `value(${column.name})`, type: of }, context)
  return {
    column,
    readsFirst: true,
    write: (rows, scope, times, stored) => {
      const bytes = value(scope)
      if (bytes === UNSET) return
      const { path } = cellAt(column, index(scope), stored(column, scope.nowSeconds), 'set')
      if (bytes === null) rows.cell(tombstone(column.id, times.timestamp, scope, path))
      else writeElements(rows, column.id, [{ path: path ?? none, value: bytes }], times)
    },
  }
}

/** `DELETE l[i]` */
export function deleteAtIndex(key: Parameters<typeof compileTerm>[0], column: Column, context: TermContext): CompiledAssignment {
  const index = compileTerm(key, { name: `idx(${column.name})`, type: { is: 'int' } }, context)
  return {
    column,
    readsFirst: true,
    write: (rows, scope, times, stored) => {
      const { path } = cellAt(column, index(scope), stored(column, scope.nowSeconds), 'delete')
      rows.cell(tombstone(column.id, times.timestamp, scope, path))
    },
  }
}

/** `l = l - [values]`: every element that is equal to one of them goes. */
function removeValues(term: Parameters<typeof compileTerm>[0], column: Column, context: TermContext): CompiledAssignment {
  const value = compileTerm(term, column, context)
  return {
    column,
    readsFirst: true,
    write: (rows, scope, times, stored) => {
      const bytes = value(scope)
      if (!(bytes instanceof Uint8Array)) return
      const gone = elementsOf(column.type, bytes)
      for (const { path, value } of stored(column, scope.nowSeconds)) {
        if (gone.some((each) => Buffer.compare(each, value) === 0)) rows.cell(tombstone(column.id, times.timestamp, scope, path))
      }
    },
  }
}
