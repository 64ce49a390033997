import { UNSET, type CqlType } from '../../cql-wire/index.ts'
import { formatTerm, type Term } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Scope } from './scope.ts'
import { combined, type Bytes, type Selector } from './selector.ts'
import { compileTerm, type TermContext } from './terms.ts'
import { collectionOf, compareValues, elementsOf } from './values.ts'

type Keyed = { is: 'list' | 'set'; of: CqlType } | { is: 'map'; key: CqlType; value: CqlType }

function keyedType({ name, type }: Selector): Keyed {
  if (type.is === 'set' || type.is === 'map') return type
  throw invalid(`Element selection is only allowed on sets and maps, but ${name} is a ${type.is}`)
}

function keyTerm(type: Keyed, of: Selector, term: Term, context: TermContext): (scope: Scope) => Bytes {
  const key = compileTerm(term, { name: `key(${of.name})`, type: type.is === 'map' ? type.key : type.of }, context)
  return (scope) => {
    const value = key(scope)
    if (value === UNSET) throw invalid(`Invalid unset value for element selection on ${of.name}`)
    return value
  }
}

/** `m['a']`: the entry's value; of a set, the element when it is in. */
export function elementOf(of: Selector, term: Term, context: TermContext): Selector {
  const type = keyedType(of)
  const keyType = type.is === 'map' ? type.key : type.of
  const key = keyTerm(type, of, term, context)
  return combined(`${of.name}[${formatTerm(term)}]`, type.is === 'map' ? type.value : type.of, [of], ([value = null], scope) => {
    const wanted = key(scope)
    if (!value || !wanted) return null
    const elements = elementsOf(type, value)
    const width = type.is === 'map' ? 2 : 1
    for (let i = 0; i < elements.length; i += width) {
      const own = elements[i]
      if (own && compareValues(keyType, own, wanted) === 0) return elements[i + width - 1] ?? null
    }
    return null
  })
}

/** `m['a'..'c']`: the entries between two keys, both included. */
export function sliceOf(of: Selector, from: Term | null, to: Term | null, context: TermContext): Selector {
  const type = keyedType(of)
  const keyType = type.is === 'map' ? type.key : type.of
  const [lower, upper] = [from, to].map((term) => (term ? keyTerm(type, of, term, context) : null))
  const name = `${of.name}[${from ? formatTerm(from) : ''}..${to ? formatTerm(to) : ''}]`
  return combined(name, type, [of], ([value = null], scope) => {
    if (!value) return null
    const [least, most] = [lower?.(scope) ?? null, upper?.(scope) ?? null]
    const elements = elementsOf(type, value)
    const width = type.is === 'map' ? 2 : 1
    const kept = elements.filter((_, i) => {
      const key = elements[i - (i % width)]
      if (!key) return false
      return (!least || compareValues(keyType, key, least) >= 0) && (!most || compareValues(keyType, key, most) <= 0)
    })
    return kept.length > 0 ? collectionOf(type, kept) : null
  })
}
