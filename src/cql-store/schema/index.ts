export { Catalogue, type Keyspace } from './catalogue.ts'
export { changeSchema, findTable } from './change.ts'
export { isSystemKeyspace } from './system-keyspace.ts'
export {
  isMultiCell,
  qualifiedName,
  resolveTable,
  type Column,
  type ColumnKind,
  type IndexKind,
  type Table,
  type TableDefinition,
  type TableIndex,
} from './table.ts'
export { initialTableOptions, optionMap, optionNumber, optionText, tableOptions } from './table-options.ts'
