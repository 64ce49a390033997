import type { IndexTarget, SchemaStatement } from './ast.ts'
import { parseOptions } from './parse-options.ts'
import { parseTableName } from './parse-terms.ts'
import type { TokenReader } from './token-reader.ts'

const targetKinds = ['keys', 'values', 'entries', 'full'] as const

/** After `CREATE [CUSTOM] INDEX`. */
export function parseCreateIndex(from: TokenReader, isCustom: boolean): SchemaStatement {
  const ifNotExists = from.takes('if', 'not', 'exists')
  const name = from.sees('on') ? null : from.name()
  from.expects('on')
  const table = parseTableName(from)
  from.expectsOp('(')
  const targets = from.seesOp(')') ? [] : from.list(() => parseTarget(from))
  from.expectsOp(')')
  const using = from.takes('using') ? from.string() : null
  const { options } = from.takes('with') ? parseOptions(from) : { options: {} }
  return { is: 'create-index', name, ifNotExists, isCustom, table, targets, using, options }
}

/** After `DROP INDEX`. */
export function parseDropIndex(from: TokenReader): SchemaStatement {
  const ifExists = from.takes('if', 'exists')
  return { is: 'drop-index', index: parseTableName(from), ifExists }
}

function parseTarget(from: TokenReader): IndexTarget {
  const after = from.peek(1)
  const kind = after.kind === 'op' && after.text === '(' ? targetKinds.find((each) => from.takes(each)) : undefined
  if (!kind) return { kind: 'simple', column: from.name() }
  from.expectsOp('(')
  const column = from.name()
  from.expectsOp(')')
  return { kind, column }
}
