import { UNSET, type CqlType } from '../../cql-wire/index.ts'
import type { Assignment } from '../lang/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import { isMultiCell, type Column } from '../schema/index.ts'
import type { Cell, RowWriter } from '../storage/index.ts'
import type { Times } from './target.ts'
import type { Scope } from './scope.ts'
import { compileTerm, type CompiledTerm, type TermContext } from './terms.ts'
import { elementsOf } from './values.ts'

/** Writes one column's cells. Column order is the caller's. */
export interface CompiledAssignment {
  column: Column
  write: (rows: RowWriter, scope: Scope, times: Times) => void
}

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
  return elements.map((element, i) => ({ path: listPath(times.timestamp, i), value: element }))
}

/** Elements of a list are ordered by when they were appended: time, then place. Prepended ones count backwards from before. */
function listPath(timestamp: bigint, place: number): Uint8Array {
  const path = Buffer.alloc(12)
  path.writeBigInt64BE(timestamp)
  path[0] = (path[0] ?? 0) ^ 0x80
  path.writeUInt32BE(place, 8)
  return path
}

function writeElements(rows: RowWriter, column: number, elements: Element[], times: Times): void {
  for (const { path, value } of elements.toSorted((a, b) => Buffer.compare(a.path, b.path))) {
    if (path.length > 0xffff) throw invalid('The key of a collection element is longer than 65535 bytes')
    rows.cell({ kind: 'value', column, path, timestamp: times.timestamp, ttl: times.ttl, at: times.expiresAt, value })
  }
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
      // Prepended elements stand before everything appended since 2010, the latest prepended first.
      if (before) for (const [i, element] of elements.entries()) element.path = listPath(2_524_608_000_000_000n - times.timestamp, i)
      writeElements(rows, id, elements, times)
    },
  }
}

function assignElement(assignment: Extract<Assignment, { is: 'element' }>, column: Column, context: TermContext): CompiledAssignment {
  const { type, name, id } = column
  if (type.is === 'list') throw unsupported('setting an element of a list by its index')
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
  if (type.is === 'list') throw unsupported('removing elements of a list by their value')
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
