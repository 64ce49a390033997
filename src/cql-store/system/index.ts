export { describe, type Described } from './describe.ts'
export { systemTables, systemKeyspaces, cqlVersion, type NodeFacts } from './system-tables.ts'
export { TraceLog, type Trace } from './traces.ts'
export type { VirtualTable } from './define.ts'
