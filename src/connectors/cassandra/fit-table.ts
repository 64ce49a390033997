import { tableId, type TableDef } from '../../core/index.ts'
import { formatType, parseType, type CassandraSession } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { cqlTypeOf } from './cql-type.ts'
import type { EnsureTable, TableSession } from './ensure-table.ts'
import { addColumn, cqlName, cqlTable, createKeyspace, createTable } from './statements.ts'

type TableInfo = NonNullable<Awaited<ReturnType<CassandraSession['table']>>>
/** What a table lacks: the statements that would mend it, in order, and why they may not be run. */
export interface TablePlan {
  /** Empty: the table fits. */
  statements: string[]
  created: boolean
  /** Columns. */
  added: string[]
  /** NOT_FOUND or TABLE_MISMATCH with the statements; null: they may be run, as far as the stream's options go. */
  refusal: MillraceError | null
  /** What is lacking, for whoever may not run them. */
  why: string
}

/** Changes nothing. Throws a TABLE_MISMATCH that no statement mends, and what keeps the system from answering. */
export async function planTable(options: EnsureTable, session: Pick<TableSession, 'table' | 'keyspaces'>): Promise<TablePlan> {
  const { table, autoEvolve } = options
  const found = await session.table(table.keyspace, table.name)
  if (found === null) return planCreation(options, session)
  const missing = compare(table, found)
  const statements = missing.map((name) => addColumn(table, name))
  const why = `Table ${tableId(table)} has no column ${missing.join(', ')}`
  const script = scriptOf(statements)
  const refusal =
    missing.length > 0 && autoEvolve === 'off'
      ? mismatch(table, `it has no column ${missing.join(', ')}. Run ${script} or set autoEvolve: 'add-columns'`, script)
      : null
  return { statements, created: false, added: missing, refusal, why }
}

/**
 * Sees to it that the table is there and fits, by the least that is needed: where it fits already nothing is changed, and no
 * right to change it is asked for.
 */
export async function fitTable(options: EnsureTable, session: TableSession): Promise<{ created: boolean; added: string[] }> {
  const { table } = options
  const plan = await planTable(options, session)
  if (plan.refusal !== null) throw plan.refusal
  await change(options, session, plan.why, plan.statements)
  if (!plan.created) return { created: false, added: plan.added }
  // Another process may have made it first, by another definition.
  const rest = await planTable(options, session)
  if (rest.created) throw mismatch(table, 'it was created, but is not there')
  if (rest.refusal !== null) throw rest.refusal
  await change(options, session, rest.why, rest.statements)
  return { created: true, added: rest.added }
}

async function planCreation(options: EnsureTable, session: Pick<TableSession, 'keyspaces'>): Promise<TablePlan> {
  const { table, autoCreate, replication = { class: 'SimpleStrategy', replication_factor: 1 } } = options
  const keyspaceIsThere = (await session.keyspaces()).includes(table.keyspace)
  const statements = [...(keyspaceIsThere ? [] : [createKeyspace(table.keyspace, replication)]), createTable(table)]
  const why = `There is no table ${tableId(table)}`
  const cql = scriptOf(statements)
  const refusal = autoCreate
    ? null
    : new MillraceError('NOT_FOUND', `${why}. Run ${cql} or set autoCreate: true.`, { details: { table: tableId(table), cql } })
  return { statements, created: true, added: [], refusal, why }
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
