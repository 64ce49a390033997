import type { Comparison, Term } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import { isMultiCell, type Column } from '../schema/index.ts'
import { valueOf } from './table-row.ts'
import { compileValue, type TermContext } from './terms.ts'
import { compareValues, elementsOf } from './values.ts'
import type { Filter } from './where.ts'

/** `c CONTAINS x`, `m CONTAINS KEY k` */
export function containsFilter(column: Column, byKey: boolean, term: Term, context: TermContext): Filter {
  const { type } = column
  if (type.is !== 'list' && type.is !== 'set' && type.is !== 'map')
    throw invalid(`Cannot use CONTAINS on non-collection column ${column.name}`)
  if (byKey && type.is !== 'map') throw invalid(`Cannot use CONTAINS KEY on non-map column ${column.name}`)
  const element = type.is === 'map' ? (byKey ? type.key : type.value) : type.of
  const value = compileValue(term, { name: `${byKey ? 'key' : 'value'}(${column.name})`, type: element }, context)
  return {
    column,
    element: { kind: byKey ? 'keys' : 'values', parts: (scope) => [value(scope)] },
    test: (scope) => {
      const wanted = value(scope)
      return (row) => {
        const found = valueOf(column, row, scope.nowSeconds)
        if (found === null) return false
        const elements = elementsOf(type, found)
        return elements.some((each, i) => (type.is !== 'map' || i % 2 === (byKey ? 0 : 1)) && compareValues(element, each, wanted) === 0)
      }
    },
  }
}

/** `m['a'] = 1` */
export function entryFilter(column: Column, relation: { key: Term; op: Comparison; term: Term }, context: TermContext): Filter {
  const { type } = column
  if (type.is !== 'map') throw invalid(`Column ${column.name} cannot be used as a map`)
  if (!isMultiCell(column)) throw invalid(`Map-entry predicates on frozen map column ${column.name} are not supported`)
  if (relation.op !== '=') throw invalid('Only EQ relations are supported on map entries')
  const key = compileValue(relation.key, { name: `key(${column.name})`, type: type.key }, context)
  const value = compileValue(relation.term, { name: `value(${column.name})`, type: type.value }, context)
  return {
    column,
    element: { kind: 'entries', parts: (scope) => [key(scope), value(scope)] },
    test: (scope) => {
      const [wantedKey, wanted] = [key(scope), value(scope)]
      return (row) => {
        const found = valueOf(column, row, scope.nowSeconds)
        if (found === null) return false
        const elements = elementsOf(type, found)
        return elements.some((each, i) => {
          const own = elements[i + 1]
          return (
            i % 2 === 0 &&
            own !== undefined &&
            compareValues(type.key, each, wantedKey) === 0 &&
            compareValues(type.value, own, wanted) === 0
          )
        })
      }
    },
  }
}
