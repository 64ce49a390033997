import { unsupported } from '../refusal.ts'
import type { Parsed, Statement } from './ast.ts'
import { parseBatch, parseDelete, parseInsert, parseUpdate } from './parse-modify.ts'
import { parseAlter, parseCreate, parseDescribe, parseDrop } from './parse-schema.ts'
import { parseSelect } from './parse-select.ts'
import { parseTableName } from './parse-terms.ts'
import { TokenReader } from './token-reader.ts'

/** Statements of CQL that are known and refused, by their first word. */
const refused = new Set(['grant', 'revoke', 'list'])

/** Parses one CQL statement (a closing `;` is allowed). @throws CqlRefusal SYNTAX_ERROR, or INVALID naming an unsupported feature */
export function parseStatement(text: string): Parsed {
  const from = new TokenReader(text)
  const statement = parseAny(from)
  from.end()
  return { statement, binds: from.binds }
}

function parseAny(from: TokenReader): Statement {
  const { kind, text } = from.peek()
  if (kind !== 'name') throw from.noAlternative()
  if (refused.has(text)) throw unsupported(text.toUpperCase())
  const family = families.get(text)
  if (!family) throw from.noAlternative()
  from.next()
  return family(from)
}

const families = new Map<string, (from: TokenReader) => Statement>([
  ['select', parseSelect],
  ['insert', parseInsert],
  ['update', parseUpdate],
  ['delete', parseDelete],
  ['begin', parseBatch],
  ['create', parseCreate],
  ['alter', parseAlter],
  ['drop', parseDrop],
  ['describe', parseDescribe],
  ['desc', parseDescribe],
  ['use', (from) => ({ is: 'use', keyspace: from.name() })],
  [
    'truncate',
    (from) => {
      if (!from.takes('table')) from.takes('columnfamily')
      return { is: 'truncate', table: parseTableName(from) }
    },
  ],
])
