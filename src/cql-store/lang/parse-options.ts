import { malformed, unsupported } from '../refusal.ts'
import type { OptionValue } from './ast.ts'
import type { TokenReader } from './token-reader.ts'

interface Options {
  options: Record<string, OptionValue>
  clusteringOrder: { column: string; descending: boolean }[]
  id: string | null
}

/** After `WITH`. */
export function parseOptions(from: TokenReader): Options {
  const found: Options = { options: {}, clusteringOrder: [], id: null }
  do {
    if (from.takes('compact', 'storage')) throw unsupported('COMPACT STORAGE')
    if (from.takes('clustering', 'order', 'by')) {
      from.expectsOp('(')
      found.clusteringOrder = from.list(() => {
        const column = from.name()
        const descending = from.takes('desc')
        if (!descending) from.expects('asc')
        return { column, descending }
      })
      from.expectsOp(')')
      continue
    }
    const name = from.name()
    from.expectsOp('=')
    if (name === 'id') found.id = from.next().text
    else if (Object.hasOwn(found.options, name)) throw malformed(`Multiple definitions for property '${name}'`)
    else found.options[name] = parseOptionValue(from)
  } while (from.takes('and'))
  return found
}

function parseOptionValue(from: TokenReader): OptionValue {
  if (!from.takesOp('{')) return parseOptionScalar(from)
  const map: Record<string, string> = {}
  if (from.takesOp('}')) return map
  do {
    const key = from.string()
    from.expectsOp(':')
    map[key] = parseOptionScalar(from)
  } while (from.takesOp(','))
  from.expectsOp('}')
  return map
}

function parseOptionScalar(from: TokenReader): string {
  const sign = from.takesOp('-') ? '-' : ''
  const { kind, text } = from.peek()
  const isWord = kind === 'quoted' || (kind === 'name' && !['true', 'false', 'nan', 'infinity'].includes(text))
  if (isWord || kind === 'op' || kind === 'end') throw from.noAlternative()
  return sign + from.next().text
}
