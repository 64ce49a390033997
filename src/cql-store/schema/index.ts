export { Catalogue, type Keyspace } from './catalogue.ts'
export { changeSchema, findTable, isSystemKeyspace } from './change.ts'
export { isMultiCell, qualifiedName, resolveTable, type Column, type ColumnKind, type Table, type TableDefinition } from './table.ts'
export { initialTableOptions, optionMap, optionNumber, optionText, tableOptionKinds } from './table-options.ts'
