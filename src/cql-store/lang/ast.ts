/** Statements as parsed: names resolved in case, nothing looked up. */

export type Term =
  | { is: 'literal'; kind: 'string' | 'integer' | 'float' | 'boolean' | 'uuid' | 'blob' | 'duration' | 'null'; text: string }
  | { is: 'bind'; index: number }
  | { is: 'call'; name: string; args: Term[] }
  | { is: 'list' | 'set' | 'tuple'; items: Term[] }
  | { is: 'map'; entries: [Term, Term][] }
  | { is: 'typed'; type: string; term: Term }
  | { is: 'arithmetic'; op: ArithmeticOp; left: Term; right: Term }
  | { is: 'negation'; of: Term }

export type ArithmeticOp = '+' | '-' | '*' | '/' | '%'

export interface TableName {
  keyspace: string | null
  name: string
}

export type Comparison = '=' | '<' | '<=' | '>' | '>=' | '!='

export type Relation =
  | { is: 'compare'; column: string; op: Comparison; term: Term }
  | { is: 'in'; column: string; terms: Term[] | Term }
  | { is: 'token'; columns: string[]; op: Comparison; term: Term }
  | { is: 'tuple'; columns: string[]; op: Comparison; term: Term }
  | { is: 'tuple-in'; columns: string[]; terms: Term[] | Term }
  | { is: 'contains'; column: string; key: boolean; term: Term }
  | { is: 'entry'; column: string; key: Term; op: Comparison; term: Term }
  | { is: 'like'; column: string; term: Term }
  | { is: 'not-null'; column: string }

export type Selection =
  | { is: 'column'; name: string }
  | { is: 'count' }
  | { is: 'call'; name: string; args: Selection[] }
  | { is: 'cast'; of: Selection; type: string }
  | { is: 'element'; of: Selection; key: Term }
  /** `m['a'..'c']`; either end may be left out. */
  | { is: 'slice'; of: Selection; from: Term | null; to: Term | null }
  | { is: 'typed'; type: string; of: Selection }
  | { is: 'arithmetic'; op: ArithmeticOp; left: Selection; right: Selection }
  | { is: 'negation'; of: Selection }
  | { is: 'term'; term: Term }

export interface SelectedColumn {
  selection: Selection
  alias: string | null
}

export interface SelectStatement {
  is: 'select'
  table: TableName
  json: boolean
  distinct: boolean
  /** Null for `*`. */
  columns: SelectedColumn[] | null
  where: Relation[]
  groupBy: string[]
  orderBy: { column: string; descending: boolean }[]
  perPartitionLimit: Term | null
  limit: Term | null
  allowFiltering: boolean
}

export interface Using {
  timestamp: Term | null
  ttl: Term | null
}

/** On a column, or on one element of it (`m['a'] = 1`, `l[0] = 1`). */
export type Condition = { column: string; element: Term | null } & (
  { is: 'compare'; op: Comparison; term: Term } | { is: 'in'; terms: Term[] | Term } | { is: 'contains'; key: boolean; term: Term }
)

/** `IF NOT EXISTS`, `IF EXISTS` or conditions on columns; null without. */
export type If = { is: 'not-exists' } | { is: 'exists' } | { is: 'columns'; conditions: Condition[] } | null

export interface InsertStatement {
  is: 'insert'
  table: TableName
  /** INSERT JSON: the text, and whether columns it does not name are left as they are. Columns and values are empty then. */
  json: { term: Term; defaultUnset: boolean } | null
  columns: string[]
  values: Term[]
  using: Using
  onlyIf: If
}

export type Assignment =
  | { is: 'set'; column: string; term: Term }
  /** `c = c + t` (append), `c = t + c` (prepend), `c = c - t` (remove). */
  | { is: 'append' | 'prepend' | 'remove'; column: string; term: Term }
  | { is: 'element'; column: string; key: Term; term: Term }

export interface UpdateStatement {
  is: 'update'
  table: TableName
  using: Using
  assignments: Assignment[]
  where: Relation[]
  onlyIf: If
}

export interface DeleteStatement {
  is: 'delete'
  table: TableName
  /** Empty: the row or rows. */
  columns: { column: string; element: Term | null }[]
  using: Using
  where: Relation[]
  onlyIf: If
}

export type Modification = InsertStatement | UpdateStatement | DeleteStatement

export interface BatchStatement {
  is: 'batch'
  kind: 'logged' | 'unlogged' | 'counter'
  using: Using
  statements: Modification[]
}

export type OptionValue = string | Record<string, string>

export interface ColumnDefinition {
  name: string
  type: string
  isStatic: boolean
}

/** What an index is of: a column (`simple`), or a part of a collection's elements; `full`: of a frozen one as a whole. */
export interface IndexTarget {
  kind: 'simple' | 'keys' | 'values' | 'entries' | 'full'
  column: string
}

export type SchemaStatement =
  | { is: 'create-keyspace'; name: string; ifNotExists: boolean; options: Record<string, OptionValue> }
  | { is: 'alter-keyspace'; name: string; ifExists: boolean; options: Record<string, OptionValue> }
  | { is: 'drop-keyspace'; name: string; ifExists: boolean }
  | {
      is: 'create-table'
      table: TableName
      ifNotExists: boolean
      columns: ColumnDefinition[]
      partitionKey: string[]
      clustering: string[]
      /** How often a PRIMARY KEY is given: once, in a statement that can be carried out. */
      primaryKeys: number
      clusteringOrder: { column: string; descending: boolean }[]
      id: string | null
      options: Record<string, OptionValue>
    }
  | { is: 'alter-table'; table: TableName; ifExists: boolean; change: TableChange }
  | { is: 'drop-table'; table: TableName; ifExists: boolean }
  | { is: 'truncate'; table: TableName }
  | {
      is: 'create-index'
      /** Null: one is made of the table's and the column's. */
      name: string | null
      ifNotExists: boolean
      isCustom: boolean
      table: TableName
      targets: IndexTarget[]
      using: string | null
      options: Record<string, OptionValue>
    }
  | { is: 'drop-index'; index: TableName; ifExists: boolean }

export type TableChange =
  | { is: 'add'; ifNotExists: boolean; columns: ColumnDefinition[] }
  /** `timestamp`: microseconds, by USING TIMESTAMP. */
  | { is: 'drop'; ifExists: boolean; columns: string[]; timestamp: bigint | null }
  | { is: 'rename'; renames: { from: string; to: string }[] }
  | { is: 'with'; options: Record<string, OptionValue> }

export interface DescribeStatement {
  is: 'describe'
  what:
    | 'keyspaces'
    | 'tables'
    | 'types'
    | 'functions'
    | 'aggregates'
    | 'cluster'
    | 'schema'
    | 'keyspace'
    | 'only-keyspace'
    | 'table'
    | 'index'
    | 'view'
    | 'type'
    | 'function'
    | 'aggregate'
    | 'any'
  full: boolean
  name: TableName | null
}

export type Statement =
  SelectStatement | Modification | BatchStatement | SchemaStatement | DescribeStatement | { is: 'use'; keyspace: string }

export interface Parsed {
  statement: Statement
  /** One for each bind marker, in order: its name, or null for `?`. */
  binds: (string | null)[]
}
