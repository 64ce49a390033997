import type { Term } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Column, Table } from '../schema/index.ts'
import { fromJson, JsonMisfit } from './json.ts'
import { parseJson } from './json-text.ts'
import type { Scope } from './scope.ts'
import { compileTerm, type TermContext } from './terms.ts'

type Values = ReadonlyMap<Column, Uint8Array | null>

/** Reads the text of INSERT JSON, once for each execution. */
export function compileJsonRow(term: Term, table: Table, context: TermContext): (scope: Scope) => Values {
  const text = compileTerm(term, { name: '[json]', type: { is: 'text' } }, context)
  let last: { scope: Scope; values: Values } | null = null
  return (scope) => {
    if (last?.scope === scope) return last.values
    const bytes = text(scope)
    if (!(bytes instanceof Uint8Array)) throw invalid('Got null for INSERT JSON values')
    const values = valuesOf(Buffer.from(bytes).toString('utf8'), table)
    last = { scope, values }
    return values
  }
}

function valuesOf(text: string, table: Table): Values {
  const parsed = parseJson(text)
  if (!parsed) throw invalid(`Could not decode JSON string as a map: '${text}'`)
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('entries' in value))
    throw invalid(`Could not decode JSON string as a map: '${text}'`)
  const values = new Map<Column, Uint8Array | null>()
  for (const [key, each] of value.entries) {
    const column = table.byName.get(columnName(key))
    if (!column) throw invalid(`JSON values map contains unrecognized column: ${key}`)
    try {
      values.set(column, fromJson(column.type, each))
    } catch (error) {
      throw error instanceof JsonMisfit ? invalid(`Error decoding JSON value for ${column.name}: ${error.message}`) : error
    }
  }
  return values
}

/** As in CQL: lower case unless quoted. */
function columnName(key: string): string {
  return key.length > 1 && key.startsWith('"') && key.endsWith('"') ? key.slice(1, -1) : key.toLowerCase()
}
