import { tableId, type TableDef } from '../../core/index.ts'
import { formatType, parseType, type CassandraSession } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { cqlTypeOf } from './cql-type.ts'
import type { EnsureTable, TableSession } from './ensure-table.ts'
import { addColumn, cqlName, cqlTable, createKeyspace, createTable } from './statements.ts'

type TableInfo = NonNullable<Awaited<ReturnType<CassandraSession['table']>>>
/**
 * Sees to it that the table is there and fits, by the least that is needed: where it fits already nothing is changed, and no
 * right to change it is asked for.
 */
export async function fitTable(options: EnsureTable, session: TableSession): Promise<{ created: boolean; added: string[] }> {
  const { table, autoEvolve } = options
  let found = await session.table(table.keyspace, table.name)
  const created = found === null
  if (found === null) {
    await create(options, session)
    found = await session.table(table.keyspace, table.name)
    if (found === null) throw mismatch(table, 'it was created, but is not there')
  }
  const missing = compare(table, found)
  const additions = missing.map((name) => addColumn(table, name))
  if (missing.length > 0 && autoEvolve === 'off') {
    const statements = scriptOf(additions)
    throw mismatch(table, `it has no column ${missing.join(', ')}. Run ${statements} or set autoEvolve: 'add-columns'`, statements)
  }
  await change(options, session, `Table ${tableId(table)} has no column ${missing.join(', ')}`, additions)
  return { created, added: missing }
}

async function create(options: EnsureTable, session: TableSession): Promise<void> {
  const { table, autoCreate, replication = { class: 'SimpleStrategy', replication_factor: 1 } } = options
  const keyspaceIsThere = (await session.keyspaces()).includes(table.keyspace)
  const statements = [...(keyspaceIsThere ? [] : [createKeyspace(table.keyspace, replication)]), createTable(table)]
  if (!autoCreate) {
    const cql = scriptOf(statements)
    throw new MillraceError('NOT_FOUND', `There is no table ${tableId(table)}. Run ${cql} or set autoCreate: true.`, {
      details: { table: tableId(table), cql },
    })
  }
  await change(options, session, `There is no table ${tableId(table)}`, statements)
}

/** Runs the statements; where one is refused, the error has all that would have to be run. */
async function change({ table, log }: EnsureTable, session: TableSession, why: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    log?.info('changing the schema', { table: tableId(table), cql: statement })
    try {
      await session.changeSchema(statement)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.retriable) throw error
      const { role } = error.details
      if (typeof role === 'string') throw forAdministrator(table, why, role, statements, error)
      throw new MillraceError(error.code, `${error.message} The statement was: ${statement};`, {
        cause: error,
        details: { ...error.details, cql: statement },
      })
    }
  }
}

/** A role that may not change the schema: what somebody who may has to run, with what the role needs to write and read what was made. */
function forAdministrator(table: TableDef, why: string, role: string, statements: readonly string[], cause: MillraceError): MillraceError {
  const makesTable = statements.some((statement) => statement.startsWith('CREATE TABLE'))
  const grants = makesTable ? ['MODIFY', 'SELECT'].map((right) => `GRANT ${right} ON TABLE ${cqlTable(table)} TO ${cqlName(role)}`) : []
  const cql = scriptOf([...statements, ...grants])
  const details = { ...cause.details, table: tableId(table), cql }
  const message = `${why}, and role ${role} has no right to make it. Have an administrator run ${cql}`
  return new MillraceError(cause.code, message, { cause, details })
}

function scriptOf(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};`).join(' ')
}

/** @returns names of the columns that the table lacks; throws for every other difference */
function compare(table: TableDef, found: TableInfo): string[] {
  compareKey(table, found)
  const types = new Map(found.columns.map(({ name, type }) => [name, type]))
  const missing: string[] = []
  for (const { name, type } of table.columns) {
    const theirs = types.get(name)
    const ours = formatType(cqlTypeOf(type))
    if (theirs === undefined) missing.push(name)
    else if (!sameBytes(theirs, ours))
      throw mismatch(
        table,
        `its column ${name} is ${theirs}, the pipeline's is ${ours}. A column's type cannot be changed: name another column or table, or drop it`,
      )
  }
  return missing
}

function compareKey(table: TableDef, found: TableInfo): void {
  const describe = ({ partitionKey, clusteringKey }: Pick<TableInfo, 'partitionKey' | 'clusteringKey'>): string =>
    `((${partitionKey.join(', ')})${clusteringKey.map(({ column, order }) => `, ${column} ${order}`).join('')})`
  const theirs = describe(found)
  const ours = describe(table)
  if (theirs === ours) return
  throw mismatch(
    table,
    `its key is ${theirs}, the pipeline's is ${ours}. A key cannot be changed: name another table, or drop it and run ${createTable(table)};`,
    `${createTable(table)};`,
  )
}

/** Frozen or not says nothing about a value's bytes. */
function sameBytes(theirs: string, ours: string): boolean {
  return bareType(theirs) === bareType(ours)
}

function bareType(text: string): string {
  const type = parseType(text)
  return (type ? formatType(type) : text).replaceAll(/frozen<|>/g, ' ').replaceAll(/\s+/g, ' ').trim() // prettier-ignore
}

function mismatch(table: TableDef, difference: string, cql?: string): MillraceError {
  const message = `Table ${tableId(table)} does not fit the pipeline: ${difference}.`
  return new MillraceError('TABLE_MISMATCH', message, { details: { table: tableId(table), ...(cql === undefined ? {} : { cql }) } })
}
