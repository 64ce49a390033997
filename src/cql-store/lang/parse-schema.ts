import { unsupported } from '../refusal.ts'
import type { ColumnDefinition, DescribeStatement, SchemaStatement, TableChange } from './ast.ts'
import { parseCreateIndex, parseDropIndex } from './parse-index.ts'
import { parseOptions } from './parse-options.ts'
import { parseTableName, parseTypeText } from './parse-terms.ts'
import type { TokenReader } from './token-reader.ts'

const otherKinds = new Map(
  Object.entries({
    materialized: 'a materialized view',
    type: 'a user-defined type',
    function: 'a user-defined function',
    aggregate: 'a user-defined aggregate',
    trigger: 'a trigger',
    role: 'a role',
    user: 'a user',
    or: 'a user-defined function',
  }),
)

function refuseOtherKind(from: TokenReader, verb: string): never {
  const { kind, text } = from.peek()
  const what = kind === 'name' ? otherKinds.get(text) : undefined
  throw what ? unsupported(`${verb} of ${what}`) : from.noAlternative()
}

/** After `CREATE`. */
export function parseCreate(from: TokenReader): SchemaStatement {
  if (from.takes('keyspace') || from.takes('schema')) {
    const ifNotExists = from.takes('if', 'not', 'exists')
    const name = from.name()
    from.expects('with')
    return { is: 'create-keyspace', name, ifNotExists, options: parseOptions(from).options }
  }
  if (from.takes('index')) return parseCreateIndex(from, false)
  if (from.takes('custom', 'index')) return parseCreateIndex(from, true)
  if (!from.takes('table') && !from.takes('columnfamily')) refuseOtherKind(from, 'CREATE')
  const ifNotExists = from.takes('if', 'not', 'exists')
  const table = parseTableName(from)
  const { columns, partitionKey, clustering, primaryKeys } = parseTableBody(from)
  const { options, clusteringOrder, id } = from.takes('with') ? parseOptions(from) : { options: {}, clusteringOrder: [], id: null }
  return { is: 'create-table', table, ifNotExists, columns, partitionKey, clustering, primaryKeys, clusteringOrder, id, options }
}

function parseTableBody(from: TokenReader): {
  columns: ColumnDefinition[]
  partitionKey: string[]
  clustering: string[]
  primaryKeys: number
} {
  const columns: ColumnDefinition[] = []
  const keys: { partitionKey: string[]; clustering: string[] }[] = []
  from.expectsOp('(')
  do {
    if (from.sees('primary', 'key')) {
      from.takes('primary', 'key')
      keys.push(parsePrimaryKey(from))
      continue
    }
    const column = parseColumnDefinition(from)
    columns.push(column)
    if (from.takes('primary', 'key')) keys.push({ partitionKey: [column.name], clustering: [] })
  } while (from.takesOp(','))
  from.expectsOp(')')
  const [key] = keys
  return { columns, partitionKey: key?.partitionKey ?? [], clustering: key?.clustering ?? [], primaryKeys: keys.length }
}

function parseColumnDefinition(from: TokenReader): ColumnDefinition {
  const name = from.name()
  const type = parseTypeText(from)
  const isStatic = from.takes('static')
  if (from.sees('masked')) throw unsupported('a masked column')
  return { name, type, isStatic }
}

function parsePrimaryKey(from: TokenReader): { partitionKey: string[]; clustering: string[] } {
  from.expectsOp('(')
  let partitionKey: string[]
  if (from.takesOp('(')) {
    partitionKey = from.list(() => from.name())
    from.expectsOp(')')
  } else partitionKey = [from.name()]
  const clustering = from.takesOp(',') ? from.list(() => from.name()) : []
  from.expectsOp(')')
  return { partitionKey, clustering }
}

/** After `ALTER`. */
export function parseAlter(from: TokenReader): SchemaStatement {
  if (from.takes('keyspace') || from.takes('schema')) {
    const ifExists = from.takes('if', 'exists')
    const name = from.name()
    from.expects('with')
    return { is: 'alter-keyspace', name, ifExists, options: parseOptions(from).options }
  }
  if (!from.takes('table') && !from.takes('columnfamily')) refuseOtherKind(from, 'ALTER')
  const ifExists = from.takes('if', 'exists')
  return { is: 'alter-table', table: parseTableName(from), ifExists, change: parseTableChange(from) }
}

/** `TIMESTAMP n`, which is no term here: no marker, no expression. */
function parseTimestamp(from: TokenReader): bigint {
  from.expects('timestamp')
  const sign = from.takesOp('-') ? -1n : 1n
  if (from.peek().kind !== 'integer') throw from.mismatch('INTEGER')
  const micros = sign * BigInt(from.peek().text)
  if (BigInt.asIntN(64, micros) !== micros) throw from.error('a timestamp of more than 64 bits')
  from.next()
  return micros
}

function parseTableChange(from: TokenReader): TableChange {
  if (from.takes('add')) {
    const ifNotExists = from.takes('if', 'not', 'exists')
    const bracketed = from.takesOp('(')
    const columns = bracketed ? from.list(() => parseColumnDefinition(from)) : [parseColumnDefinition(from)]
    if (bracketed) from.expectsOp(')')
    return { is: 'add', ifNotExists, columns }
  }
  if (from.takes('drop')) {
    if (from.takes('compact', 'storage')) throw unsupported('DROP COMPACT STORAGE')
    const ifExists = from.takes('if', 'exists')
    const bracketed = from.takesOp('(')
    const columns = bracketed ? from.list(() => from.name()) : [from.name()]
    if (bracketed) from.expectsOp(')')
    return { is: 'drop', ifExists, columns, timestamp: from.takes('using') ? parseTimestamp(from) : null }
  }
  if (from.takes('rename')) {
    // Cassandra reads it, and refuses an unknown column all the same.
    from.takes('if', 'exists')
    const renames: { from: string; to: string }[] = []
    do {
      const old = from.name()
      from.expects('to')
      renames.push({ from: old, to: from.name() })
    } while (from.takes('and'))
    return { is: 'rename', renames }
  }
  if (from.takes('alter')) throw unsupported('ALTER TABLE ALTER (changing the type of a column)')
  from.expects('with')
  return { is: 'with', options: parseOptions(from).options }
}

/** After `DROP`. */
export function parseDrop(from: TokenReader): SchemaStatement {
  if (from.takes('keyspace') || from.takes('schema')) {
    const ifExists = from.takes('if', 'exists')
    return { is: 'drop-keyspace', name: from.name(), ifExists }
  }
  if (from.takes('index')) return parseDropIndex(from)
  if (!from.takes('table') && !from.takes('columnfamily')) refuseOtherKind(from, 'DROP')
  const ifExists = from.takes('if', 'exists')
  return { is: 'drop-table', table: parseTableName(from), ifExists }
}

const describedNames = ['keyspace', 'table', 'index', 'type', 'function', 'aggregate'] as const
const describedLists = ['keyspaces', 'tables', 'types', 'functions', 'aggregates', 'cluster'] as const

/** After `DESCRIBE` or `DESC`. */
export function parseDescribe(from: TokenReader): DescribeStatement {
  const full = from.takes('full')
  if (full || from.sees('schema')) {
    from.expects('schema')
    parseInternals(from)
    return { is: 'describe', what: 'schema', full, name: null }
  }
  for (const what of describedLists) if (from.takes(what)) return { is: 'describe', what, full: false, name: null }
  if (from.takes('columnfamilies')) return { is: 'describe', what: 'tables', full: false, name: null }
  if (from.takes('materialized', 'view')) return { is: 'describe', what: 'view', full: false, name: parseTableName(from) }
  if (from.takes('only', 'keyspace')) {
    const name = from.peek().kind === 'end' || from.seesOp(';') || from.sees('with') ? null : parseTableName(from)
    return { is: 'describe', what: 'only-keyspace', full: parseInternals(from), name }
  }
  for (const what of describedNames) {
    if (!from.takes(what) && !(what === 'table' && from.takes('columnfamily'))) continue
    const name = from.peek().kind === 'end' || from.seesOp(';') || from.sees('with') ? null : parseTableName(from)
    return { is: 'describe', what, full: parseInternals(from), name }
  }
  return { is: 'describe', what: 'any', full: false, name: parseTableName(from) }
}

function parseInternals(from: TokenReader): boolean {
  return from.takes('with', 'internals')
}
