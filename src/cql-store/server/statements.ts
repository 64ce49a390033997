import { createHash } from 'node:crypto'
import type { ColumnSpec } from '../../cql-wire/index.ts'
import { parseStatement, type BatchStatement, type Modification, type Parsed, type Statement } from '../lang/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import { findTable, isSystemKeyspace, type Catalogue, type Table } from '../schema/index.ts'
import {
  Binds,
  compileModification,
  compileSelect,
  compileTerm,
  type CompiledModification,
  type CompiledSelect,
  type Scope,
} from '../query/index.ts'
import type { VirtualTable } from '../system/index.ts'

type Other = Exclude<Statement, Modification | BatchStatement | { is: 'select' }>

/** A statement ready to be carried out. */
export type Compiled =
  | { is: 'modify'; modification: CompiledModification; isQualified: boolean }
  | {
      is: 'batch'
      modifications: CompiledModification[]
      bound: ColumnSpec[]
      isUnlogged: boolean
      timestamp: ((scope: Scope) => bigint) | null
      isQualified: boolean
    }
  | { is: 'select'; select: CompiledSelect; isQualified: boolean }
  | { is: 'other'; statement: Other; keyspace: string | null }

export interface Prepared {
  id: Buffer
  query: string
  compiled: Compiled
  bound: readonly ColumnSpec[]
  pkIndexes: readonly number[]
  columns: readonly ColumnSpec[]
}

const maxPrepared = 10_000

/** Compiles statements and remembers prepared ones, for all connections. */
export class Statements {
  readonly #catalogue: Catalogue
  readonly #system: ReadonlyMap<string, VirtualTable>
  readonly #prepared = new Map<string, Prepared>()

  constructor(catalogue: Catalogue, system: readonly VirtualTable[]) {
    this.#catalogue = catalogue
    this.#system = new Map(system.map((each) => [`${each.table.keyspace}.${each.table.name}`, each]))
  }

  /** @param keyspace the connection's own, for names without one */
  compile(query: string, keyspace: string | null): Compiled {
    const { statement, binds } = parseStatement(query)
    switch (statement.is) {
      case 'select': {
        const { table, virtual } = this.#tableFor(statement.table.keyspace ?? keyspace, statement.table.name)
        const isQualified = statement.table.keyspace !== null
        return { is: 'select', select: compileSelect(statement, table, binds, virtual?.rows ?? null), isQualified }
      }
      case 'insert':
      case 'update':
      case 'delete':
        return {
          is: 'modify',
          modification: compileModification(statement, this.#modified(statement, keyspace), binds),
          isQualified: statement.table.keyspace !== null,
        }
      case 'batch':
        return this.#compileBatch(statement, binds, keyspace)
      default:
        return { is: 'other', statement, keyspace }
    }
  }

  /** The id is Cassandra's own: the MD5 of the query, behind the connection's keyspace where a name lacks one. */
  prepare(query: string, keyspace: string | null): Prepared {
    const compiled = this.compile(query, keyspace)
    const id = createHash('md5')
      .update(isQualified(compiled) ? query : `${keyspace ?? ''}${query}`)
      .digest()
    const name = id.toString('latin1')
    const prepared: Prepared = { id, query, compiled, ...metadataOf(compiled) }
    this.#prepared.delete(name)
    this.#prepared.set(name, prepared)
    const oldest = this.#prepared.keys().next()
    if (this.#prepared.size > maxPrepared && !oldest.done) this.#prepared.delete(oldest.value)
    return prepared
  }

  /** A prepared statement whose tables are still as they were, or null: the client then prepares it again. */
  prepared(id: Uint8Array): Prepared | null {
    const name = Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1')
    const found = this.#prepared.get(name)
    if (!found) return null
    if (tablesOf(found.compiled).every((table) => this.#isCurrent(table))) return found
    this.#prepared.delete(name)
    return null
  }

  #isCurrent(table: Table): boolean {
    return (
      this.#catalogue.keyspaces.get(table.keyspace)?.tables.get(table.name) === table ||
      this.#system.get(`${table.keyspace}.${table.name}`)?.table === table
    )
  }

  #tableFor(keyspace: string | null, name: string): { table: Table; virtual: VirtualTable | null } {
    const virtual = this.#system.get(`${keyspace ?? ''}.${name}`) ?? null
    if (virtual) return { table: virtual.table, virtual }
    if (keyspace !== null && isSystemKeyspace(keyspace)) throw invalid(`unconfigured table ${name}`)
    return { table: findTable(this.#catalogue, keyspace, name), virtual: null }
  }

  #modified(statement: Modification, keyspace: string | null): Table {
    return this.#tableFor(statement.table.keyspace ?? keyspace, statement.table.name).table
  }

  #compileBatch(statement: BatchStatement, names: Parsed['binds'], keyspace: string | null): Compiled {
    if (statement.kind === 'counter') throw unsupported('a counter batch')
    if (statement.using.timestamp && statement.statements.some(({ onlyIf }) => onlyIf))
      throw invalid('Cannot provide custom timestamp for conditional BATCH')
    if (statement.using.timestamp && statement.statements.some(({ using }) => using.timestamp)) {
      throw invalid('Timestamp must be set either on BATCH or individual statements')
    }
    const first = statement.statements[0]
    const table = first ? this.#modified(first, keyspace) : { keyspace: '', name: '' }
    const binds = new Binds(names, table)
    const given =
      statement.using.timestamp &&
      compileTerm(statement.using.timestamp, { name: '[timestamp]', type: { is: 'bigint' } }, { binds, partitionKey: [] })
    const modifications = statement.statements.map((each) => compileModification(each, this.#modified(each, keyspace), names, binds))
    const timestamp = given
      ? (scope: Scope): bigint => {
          const value = given(scope)
          return value instanceof Uint8Array ? Buffer.from(value).readBigInt64BE(0) : scope.timestamp
        }
      : null
    const isQualified = statement.statements.every((each) => each.table.keyspace !== null)
    return { is: 'batch', modifications, bound: binds.specs(), isUnlogged: statement.kind === 'unlogged', timestamp, isQualified }
  }
}

function isQualified(compiled: Compiled): boolean {
  return compiled.is !== 'other' && compiled.isQualified
}

function tablesOf(compiled: Compiled): Table[] {
  if (compiled.is === 'modify') return [compiled.modification.table]
  if (compiled.is === 'select') return [compiled.select.table]
  return compiled.is === 'batch' ? compiled.modifications.map(({ table }) => table) : []
}

export function boundOf(compiled: Compiled): readonly ColumnSpec[] {
  return metadataOf(compiled).bound
}

function metadataOf(compiled: Compiled): Pick<Prepared, 'bound' | 'pkIndexes' | 'columns'> {
  switch (compiled.is) {
    case 'modify':
      return { bound: compiled.modification.bound, pkIndexes: compiled.modification.pkIndexes, columns: [] }
    case 'select':
      return { bound: compiled.select.bound, pkIndexes: compiled.select.pkIndexes, columns: compiled.select.columns }
    case 'batch':
      return { bound: compiled.bound, pkIndexes: [], columns: [] }
    case 'other':
      return { bound: [], pkIndexes: [], columns: [] }
  }
}
