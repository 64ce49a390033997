/** A table as it must be: rows by their key, values by their column. */
interface TableModel {
  columns: string[]
  indexed: boolean
  rows: Map<number, Map<string, number>>
}

/** By the table's name. */
export type SchemaModel = Map<string, TableModel>

export interface HistoryStatement {
  text: string
  /** What it does to the tables before it. */
  apply: (model: SchemaModel) => void
}

const names = ['t0', 't1', 't2']
export const historyKeyspace = 'h'
const keys = 12
export const historyValues = 3

/** The same numbers for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    return (state >>> 3) % below
  }
}

/** Writes with changes of the schema among them; each is valid after those before it. Depends on the seed alone. */
export function schemaHistory(seed: number, count: number): HistoryStatement[] {
  const below = numbers(seed)
  const model: SchemaModel = new Map()
  return Array.from({ length: count }, () => {
    const statement = statementOf(model, below)
    statement.apply(model)
    return statement
  })
}

export function modelOf(history: readonly HistoryStatement[], count: number): SchemaModel {
  const model: SchemaModel = new Map()
  for (const { apply } of history.slice(0, count)) apply(model)
  return model
}

function statementOf(model: SchemaModel, below: (limit: number) => number): HistoryStatement {
  const name = names[below(names.length)] ?? 't0'
  const full = `${historyKeyspace}.${name}`
  const table = model.get(name)
  if (!table) {
    return {
      text: `CREATE TABLE ${full} (k int PRIMARY KEY, v int, w int) WITH gc_grace_seconds = 1`,
      apply: (all) => all.set(name, { columns: ['v', 'w'], indexed: false, rows: new Map() }),
    }
  }
  const of = (all: SchemaModel): TableModel => all.get(name) ?? table
  const kind = below(40)
  if (kind === 0) return { text: `DROP TABLE ${full}`, apply: (all) => all.delete(name) }
  if (kind === 1) return { text: `TRUNCATE ${full}`, apply: (all) => of(all).rows.clear() }
  if (kind <= 3) return changedIndex(full, table.indexed, of)
  if (kind <= 5) return changedColumns(full, table.columns.includes('x'), of)
  return write(full, table, below, of)
}

function changedIndex(full: string, indexed: boolean, of: (all: SchemaModel) => TableModel): HistoryStatement {
  const name = full.replace('.', '_')
  return {
    text: indexed ? `DROP INDEX ${historyKeyspace}.${name}` : `CREATE INDEX ${name} ON ${full} (v)`,
    apply: (all) => {
      of(all).indexed = !indexed
    },
  }
}

/** A column that comes again begins empty. */
function changedColumns(full: string, hasIt: boolean, of: (all: SchemaModel) => TableModel): HistoryStatement {
  return {
    text: hasIt ? `ALTER TABLE ${full} DROP x` : `ALTER TABLE ${full} ADD x int`,
    apply: (all) => {
      const table = of(all)
      table.columns = hasIt ? table.columns.filter((each) => each !== 'x') : [...table.columns, 'x']
      for (const row of table.rows.values()) row.delete('x')
    },
  }
}

function write(full: string, table: TableModel, below: (limit: number) => number, of: (all: SchemaModel) => TableModel): HistoryStatement {
  const key = below(keys)
  if (below(5) === 0) return { text: `DELETE FROM ${full} WHERE k = ${key}`, apply: (all) => of(all).rows.delete(key) }
  const column = table.columns[below(table.columns.length)] ?? 'v'
  const value = below(historyValues)
  return {
    text: `INSERT INTO ${full} (k, ${column}) VALUES (${key}, ${value})`,
    apply: (all) => {
      const { rows } = of(all)
      rows.set(key, (rows.get(key) ?? new Map<string, number>()).set(column, value))
    },
  }
}
