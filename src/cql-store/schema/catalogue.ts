import { randomUUID } from 'node:crypto'
import { formatType, parseType, type CqlType } from '../../cql-wire/index.ts'
import { MillraceError, type Disk } from '../../platform/index.ts'
import { invalid } from '../refusal.ts'
import { resolveTable, type Column, type ColumnKind, type IndexKind, type Table, type TableDefinition, type TableIndex } from './table.ts'
import { initialTableOptions, optionNumber, type TableOptions } from './table-options.ts'

/** `schema.json` and, with it, the whole folder: a newer one is refused. 2: rows of more than 65,535 cells. */
export const dataFormat = 2

export interface Keyspace {
  readonly name: string
  readonly replication: Readonly<Record<string, string>>
  readonly durableWrites: boolean
  readonly tables: ReadonlyMap<string, Table>
}

interface StoredColumn {
  id: number
  name: string
  type: string
  kind: ColumnKind
  position: number
  descending: boolean
}

interface StoredTable {
  number: number
  id: string
  name: string
  columns: StoredColumn[]
  nextColumn: number
  options: TableOptions
  dropped: { id?: number; name: string; type: string; kind: ColumnKind; droppedAtMicros: string }[]
  /** Left out by a Millrace that knew no indexes. */
  indexes?: { number: number; name: string; column: string; kind: IndexKind; isBuilt: boolean }[]
}

interface StoredSchema {
  format: number
  version: string
  hostId: string
  nextTable: number
  keyspaces: { name: string; replication: Record<string, string>; durableWrites: boolean; tables: StoredTable[] }[]
  purging: number[]
}

/** All keyspaces and tables, kept in `schema.json`: replaced as a whole, on disk before a change is answered. */
export class Catalogue {
  readonly #disk: Disk
  readonly #path: string
  #keyspaces = new Map<string, Keyspace>()
  /** gc_grace_seconds by the numbers of tables and of their indexes. */
  #live = new Map<number, number>()
  #indexes = new Map<number, { table: Table; index: TableIndex }>()
  #version: string
  #nextTable = 1
  #purging: number[] = []
  readonly #format: number
  readonly hostId: string

  private constructor(disk: Disk, path: string, stored: StoredSchema | null) {
    this.#disk = disk
    this.#path = path
    this.#format = stored?.format ?? dataFormat
    this.#version = stored?.version ?? randomUUID()
    this.hostId = stored?.hostId ?? randomUUID()
    if (!stored) return
    this.#nextTable = stored.nextTable
    this.#purging = stored.purging
    for (const { name, replication, durableWrites, tables } of stored.keyspaces) {
      this.#keyspaces.set(name, {
        name,
        replication,
        durableWrites,
        tables: new Map(tables.map((table) => [table.name, tableOf(name, table)])),
      })
    }
    this.#recount()
  }

  /** @throws MillraceError DATA_DIR_NEWER, DATA_CORRUPT */
  static open(disk: Disk, dataDir: string): Catalogue {
    const path = `${dataDir}/schema.json`
    if (!disk.exists(path)) {
      const fresh = new Catalogue(disk, path, null)
      fresh.#save()
      return fresh
    }
    return new Catalogue(disk, path, readStored(disk, path))
  }

  /** Says what the folder is to hold from now on, before anything of it is written: an older Millrace would not know it. */
  upgrade(): void {
    if (this.#format < dataFormat) this.#save()
  }

  /** Changes with every schema change: `system.local.schema_version`. */
  get version(): string {
    return this.#version
  }

  get keyspaces(): ReadonlyMap<string, Keyspace> {
    return this.#keyspaces
  }

  get tableCount(): number {
    return this.tables().length
  }

  /** Numbers of dropped or truncated tables whose records are still to be removed. */
  get purging(): readonly number[] {
    return this.#purging
  }

  isLive(table: number): boolean {
    return this.#live.has(table)
  }

  /** Of the table with this number; null when there is none. */
  gcGraceSeconds(number: number): number | null {
    return this.#live.get(number) ?? null
  }

  /** The index with this number, and the table that it is of. */
  index(number: number): { table: Table; index: TableIndex } | null {
    return this.#indexes.get(number) ?? null
  }

  newTableNumber(): number {
    return this.#nextTable
  }

  putKeyspace(keyspace: Keyspace): void {
    this.#change((keyspaces) => keyspaces.set(keyspace.name, keyspace))
  }

  dropKeyspace(name: string): void {
    this.#change((keyspaces) => keyspaces.delete(name))
  }

  /** Adds the table or replaces the one of this name; records under numbers that no table has any more are purged. */
  putTable(table: TableDefinition): void {
    const resolved = resolveTable(table)
    this.#change((keyspaces) => {
      const keyspace = this.keyspace(table.keyspace)
      keyspaces.set(keyspace.name, { ...keyspace, tables: new Map(keyspace.tables).set(table.name, resolved) })
    })
  }

  dropTable(table: Table): void {
    this.#change((keyspaces) => {
      const keyspace = this.keyspace(table.keyspace)
      const tables = new Map(keyspace.tables)
      tables.delete(table.name)
      keyspaces.set(keyspace.name, { ...keyspace, tables })
    })
  }

  tables(): Table[] {
    return [...this.#keyspaces.values()].flatMap((keyspace) => [...keyspace.tables.values()])
  }

  /** Every row of the table is entered: reads may use the index. */
  indexBuilt(number: number): void {
    const index = this.tables()
      .flatMap(({ indexes }) => indexes)
      .find((each) => each.number === number)
    if (!index) return
    index.progress.isBuilt = true
    this.#save()
  }

  purged(number: number): void {
    this.#purging = this.#purging.filter((other) => other !== number)
    this.#save()
  }

  /** @throws CqlRefusal `Keyspace 'x' does not exist` */
  keyspace(name: string): Keyspace {
    const keyspace = this.#keyspaces.get(name)
    if (!keyspace) throw invalid(`Keyspace '${name}' does not exist`)
    return keyspace
  }

  #change(edit: (keyspaces: Map<string, Keyspace>) => void): void {
    const before = { keyspaces: this.#keyspaces, version: this.#version, purging: this.#purging, nextTable: this.#nextTable }
    const old = this.#live
    const oldIndexes = this.#indexes
    this.#keyspaces = new Map(before.keyspaces)
    edit(this.#keyspaces)
    this.#recount()
    this.#purging = [...this.#purging, ...[...old.keys()].filter((number) => !this.#live.has(number))]
    this.#nextTable = Math.max(this.#nextTable, ...[...this.#live.keys()].map((number) => number + 1))
    this.#version = randomUUID()
    try {
      this.#save()
    } catch (error) {
      this.#keyspaces = before.keyspaces
      this.#version = before.version
      this.#purging = before.purging
      this.#nextTable = before.nextTable
      this.#recount()
      throw error
    }
    // Reads that are under way use them no more: their entries are removed from now on.
    for (const [number, { index }] of oldIndexes) if (!this.#indexes.has(number)) index.progress.isBuilt = false
  }

  #recount(): void {
    this.#indexes = new Map(this.tables().flatMap((table) => table.indexes.map((index) => [index.number, { table, index }] as const)))
    this.#live = new Map(
      this.tables().flatMap(({ number, indexes, options }) => {
        const grace = optionNumber(options, 'gc_grace_seconds')
        return [number, ...indexes.map((index) => index.number)].map((each) => [each, grace] as const)
      }),
    )
  }

  #save(): void {
    const stored: StoredSchema = {
      format: dataFormat,
      version: this.#version,
      hostId: this.hostId,
      nextTable: this.#nextTable,
      keyspaces: [...this.#keyspaces.values()].map(({ name, replication, durableWrites, tables }) => ({
        name,
        replication,
        durableWrites,
        tables: [...tables.values()].map(storedTable),
      })),
      purging: this.#purging,
    }
    this.#disk.replaceFile(this.#path, JSON.stringify(stored, null, 1))
  }
}

function readStored(disk: Disk, path: string): StoredSchema {
  let stored: StoredSchema
  try {
    stored = JSON.parse(Buffer.from(disk.readFile(path)).toString('utf8'))
  } catch (error) {
    throw new MillraceError('DATA_CORRUPT', `${path} cannot be read: restore it from a copy.`, { cause: error })
  }
  if (stored.format > dataFormat) {
    throw new MillraceError(
      'DATA_DIR_NEWER',
      `${path} was written by a newer Millrace (format ${stored.format}, this one knows ${dataFormat}): use that one.`,
    )
  }
  return stored
}

function storedTable(table: Table): StoredTable {
  const { number, id, name, nextColumn, options } = table
  const columns = table.columns.map(({ type, ...rest }) => ({ ...rest, type: formatType(type) }))
  const dropped = table.dropped.map(({ type, ...rest }) => ({ ...rest, type: formatType(type) }))
  const indexes = table.indexes.map(({ progress, ...index }) => ({ ...index, isBuilt: progress.isBuilt }))
  return { number, id, name, columns, nextColumn, options, dropped, indexes }
}

function tableOf(keyspace: string, stored: StoredTable): Table {
  const columns: Column[] = stored.columns.map((column) => ({ ...column, type: typeOf(column.type) }))
  const dropped = stored.dropped.map((column) => ({ ...column, type: typeOf(column.type) }))
  const indexes = (stored.indexes ?? []).map(({ isBuilt, ...index }) => ({ ...index, progress: { isBuilt } }))
  return resolveTable({ ...stored, keyspace, columns, dropped, indexes, options: { ...initialTableOptions, ...stored.options } })
}

function typeOf(text: string): CqlType {
  const type = parseType(text)
  if (!type) throw new MillraceError('DATA_CORRUPT', `schema.json names the unknown type ${text}.`)
  return type
}
