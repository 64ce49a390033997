import type { CassandraSession } from '../../cql-client/index.ts'

const keywords = (
  'ADD AGGREGATE ALLOW FILTERING ALTER AND APPLY BATCH AS ASC BEGIN BY CLUSTERING COLUMNFAMILY CREATE DELETE DESC DESCRIBE DISTINCT DROP EXISTS ' +
  'FROM FULL FUNCTION GRANT GROUP IF IN INDEX INSERT INTO JSON KEY KEYSPACE KEYSPACES LIMIT MATERIALIZED NOT NULL ON OR ORDER PARTITION PER ' +
  'PRIMARY RENAME REPLICATION REVOKE SCHEMA SELECT SET STATIC TABLE TABLES TIMESTAMP TO TOKEN TRUNCATE TTL TYPE UNLOGGED UPDATE USE USING VALUES ' +
  'VIEW WHERE WITH WRITETIME'
).split(' ')

/** The shell's own words. */
export const shellWords = ['CONSISTENCY', 'EXIT', 'EXPAND', 'FORMAT', 'HELP', 'PAGING', 'QUIT', 'SOURCE']

/** What there is to complete, as the server has it. */
export interface Names {
  readonly keyspaces: readonly string[]
  readonly tables: readonly { keyspace: string; name: string; columns: readonly string[] }[]
}

export async function readNames(session: CassandraSession): Promise<Names> {
  const keyspaces = await session.keyspaces()
  const tables = (await Promise.all(keyspaces.map((keyspace) => session.tables(keyspace)))).flat()
  return {
    keyspaces,
    tables: tables.map(({ keyspace, name, columns }) => ({ keyspace, name, columns: columns.map((column) => column.name) })),
  }
}

/**
 * Words that may stand at the end of `input`, and the part of it that they take the place of: tables after FROM, INTO, UPDATE and a
 * keyspace with its dot, keyspaces after USE, columns of the tables that the statement names, and keywords in the case of what is typed.
 */
export function complete(input: string, names: Names, keyspace: string | null): [words: string[], typed: string] {
  const typed = /[\w."]*$/.exec(input)?.[0] ?? ''
  const before = input.slice(0, input.length - typed.length)
  const previous = /(\w+)\s*$/.exec(before)?.[1]?.toLowerCase() ?? ''
  const fitting = (words: readonly string[]): string[] =>
    [...new Set(words)].filter((word) => word.toLowerCase().startsWith(typed.toLowerCase())).toSorted()
  const dot = typed.lastIndexOf('.')
  if (dot >= 0) {
    const home = typed.slice(0, dot)
    return [fitting(names.tables.filter((table) => table.keyspace === home).map((table) => `${home}.${table.name}`)), typed]
  }
  if (previous === 'use' || previous === 'keyspace') return [fitting(names.keyspaces), typed]
  if (['from', 'into', 'update', 'table', 'truncate', 'join'].includes(previous)) {
    const own = names.tables.filter((table) => table.keyspace === keyspace).map(({ name }) => name)
    return [fitting([...own, ...names.keyspaces.map((name) => `${name}.`)]), typed]
  }
  const first = before.trim() === '' ? [...shellWords, ...keywords] : keywords
  const columns = columnsIn(input, names, keyspace)
  const isLower = typed !== '' && typed === typed.toLowerCase()
  return [fitting([...columns, ...first.map((word) => (isLower ? word.toLowerCase() : word))]), typed]
}

/** Of the tables that the statement names; before it names any, none. */
function columnsIn(input: string, names: Names, keyspace: string | null): string[] {
  const named = new Set([...input.toLowerCase().matchAll(/[a-z_]\w*(?:\.[a-z_]\w*)?/g)].map(([word]) => word))
  const isNamed = (table: Names['tables'][number]): boolean =>
    named.has(`${table.keyspace}.${table.name}`) || (table.keyspace === keyspace && named.has(table.name))
  return names.tables.filter(isNamed).flatMap(({ columns }) => columns)
}
