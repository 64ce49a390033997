import type { GeneratedColumn, GeneratedTable, Random } from './cql-generator.ts'

/** ALTER TABLE amid the statements: the table's columns are as it leaves them. Null: nothing that both take for certain. */
export function alterOf(random: Random, table: GeneratedTable, isIndexed: (column: string) => boolean, number: number): string | null {
  // Before an ALTER Cassandra writes down what it holds. Of keys that are the same, 1.0 and 1.00, it then shows another than the first.
  if (table.columns.some(({ role, type }) => role === 'clustering' && type === 'decimal')) return null
  const alter = `ALTER TABLE ${table.name}`
  const kind = random.pick(['add', 'add', 'drop', 'rename'])
  if (kind === 'add') {
    const isStatic = table.columns.some(({ role }) => role === 'clustering') && random.chance(25)
    const type = random.pick(['int', 'text', 'bigint', 'set<int>', 'map<text, int>', 'frozen<list<int>>'])
    const holds = type === 'set<int>' ? ['int'] : type.startsWith('map') ? ['text', 'int'] : null
    // Never a name that was there: between the two Cassandra fails to read a table that holds cells from after the drop.
    const added: GeneratedColumn = { name: `x${number}`, type, role: isStatic ? 'static' : 'regular', holds, descending: false }
    table.columns.push(added)
    return `${alter} ADD ${added.name} ${type}${isStatic ? ' static' : ''}`
  }
  const free = table.columns.filter(({ name }) => !isIndexed(name))
  if (kind === 'rename') {
    const keys = free.filter(({ role }) => role === 'partition' || role === 'clustering')
    if (keys.length === 0) return null
    const renamed = random.pick(keys)
    const before = renamed.name
    renamed.name = `k${number}`
    return `${alter} RENAME ${before} TO ${renamed.name}`
  }
  const dropped = free.filter(({ role }) => role === 'regular')
  if (dropped.length === 0 || table.columns.filter(({ role }) => role === 'regular').length < 2) return null
  const column = random.pick(dropped)
  table.columns.splice(table.columns.indexOf(column), 1)
  return `${alter} DROP ${column.name}`
}
