import { literalOf, type GeneratedTable, type Random } from './cql-generator.ts'
import { clusteringRange, columnsOf, condition, equals, tokenRange, tupleRelation } from './cql-where.ts'

/** What is indexed: a column, or a part of a collection's elements. */
export interface GeneratedIndex {
  column: string
  kind: 'simple' | 'keys' | 'values' | 'entries' | 'full'
}

/** A SELECT of any shape on a generated table. */
export function selectOf(random: Random, table: GeneratedTable, indexes: readonly GeneratedIndex[]): string {
  const shape = random.below(100)
  let filters: string[] = []
  let order = ''
  let allow = random.chance(10)
  if (indexes.length > 0 && random.chance(40)) {
    filters = indexedWhere(random, table, indexes)
    allow = random.chance(30)
  } else if (shape < 15) filters = []
  else if (shape < 28) filters = tokenRange(random, table)
  else if (shape < 80) {
    filters = [
      ...equals(random, columnsOf(table, 'partition'), 15),
      ...(random.chance(70) ? clusteringRange(random, table) : []),
      ...(random.chance(12) ? tupleRelation(random, table) : []),
    ]
    if (random.chance(25)) order = orderOf(random, table)
  } else {
    filters = random.some(table.columns, 1, 3).flatMap((column) => condition(random, column))
    // Cassandra mixes up the static collections of several partitions.
    const names = columnsOf(table, 'static').map(({ name }) => name)
    if (filters.some((each) => / IN /.test(each))) filters = filters.filter((each) => !names.some((name) => each.startsWith(name)))
    allow = random.chance(90)
  }
  const where = filters.length > 0 ? ` WHERE ${filters.join(' AND ')}` : ''
  const per = random.chance(10) ? ` PER PARTITION LIMIT ${1 + random.below(3)}` : ''
  const limit = random.chance(20) ? ` LIMIT ${1 + random.below(5)}` : ''
  return `SELECT ${selected(random, table)} FROM ${table.name}${where}${groupOf(random, table)}${order}${per}${limit}${allow ? ' ALLOW FILTERING' : ''}`
}

/** A condition that an index answers, and perhaps others. */
function indexedWhere(random: Random, table: GeneratedTable, indexes: readonly GeneratedIndex[]): string[] {
  const index = random.pick(indexes)
  const column = table.columns.find(({ name }) => name === index.column)
  if (!column) return []
  const { name, type, holds, role } = column
  const key = literalOf(random, holds?.[0] ?? type)
  const value = literalOf(random, holds?.at(-1) ?? type)
  const found =
    index.kind === 'keys' ? `${name} CONTAINS KEY ${key}` : index.kind === 'values' ? `${name} CONTAINS ${value}` : `${name} = ${value}`
  const own = index.kind === 'entries' ? `${name}[${key}] = ${value}` : found
  const dice = random.below(100)
  if (dice < 55) return [own]
  if (dice < 70) return [own, ...tokenRange(random, table)]
  // With an index on a static column Cassandra finds no row by its clustering columns.
  const clusters = role !== 'static' && !hasStaticIndex(table, indexes) && random.chance(50)
  if (dice < 88) return [...equals(random, columnsOf(table, 'partition'), 5), ...(clusters ? clusteringRange(random, table) : []), own]
  return [own, ...condition(random, random.pick(columnsOf(table, 'regular')))]
}

function hasStaticIndex(table: GeneratedTable, indexes: readonly GeneratedIndex[]): boolean {
  return columnsOf(table, 'static').some(({ name }) => indexes.some(({ column }) => column === name))
}

function groupOf(random: Random, table: GeneratedTable): string {
  if (!random.chance(6)) return ''
  const keys = columnsOf(table, 'partition', 'clustering')
  const least = columnsOf(table, 'partition').length
  return ` GROUP BY ${keys.slice(0, least + random.below(keys.length - least + 1)).map(({ name }) => name).join(', ')}` // prettier-ignore
}

function orderOf(random: Random, table: GeneratedTable): string {
  const clustering = columnsOf(table, 'clustering')
  if (clustering.length === 0) return ''
  const isReversed = random.chance(60)
  const columns = clustering.slice(0, 1 + random.below(clustering.length))
  const parts = columns.map(({ name, descending }) => `${name} ${descending !== isReversed ? 'DESC' : 'ASC'}`)
  return ` ORDER BY ${parts.join(', ')}`
}

function selected(random: Random, table: GeneratedTable): string {
  const partition = columnsOf(table, 'partition').map(({ name }) => name)
  const dice = random.below(100)
  if (dice < 50) return '*'
  if (dice < 57) return `DISTINCT ${[...partition, ...random.some(columnsOf(table, 'static'), 0, 1).map(({ name }) => name)].join(', ')}`
  if (dice < 66) return aggregates(random, table)
  if (dice < 72) return `${partition.join(', ')}, token(${partition.join(', ')})`
  if (dice < 86) return times(random, table)
  if (dice < 91) return `JSON ${random.some(table.columns, 1, 3).map(({ name }) => name).join(', ')}` // prettier-ignore
  return random.some(table.columns, 1, 4).map(({ name }) => name).join(', ') // prettier-ignore
}

/** Write times, functions, elements. Of a conditional table times are the server's. */
function times(random: Random, table: GeneratedTable): string {
  const { name, type, holds } = random.pick(columnsOf(table, 'static', 'regular'))
  if (holds && !type.startsWith('list') && random.chance(50)) {
    const key = literalOf(random, holds[0] ?? 'int')
    return random.pick([`${name}[${key}]`, `${name}[${key}..]`, `collection_count(${name})`])
  }
  if (table.isConditional) return `toJson(${name})`
  if (holds) return type.startsWith('list') ? `toJson(${name})` : random.pick([`writetime(${name})`, `maxwritetime(${name})`])
  return random.pick([`${name}, writetime(${name})`, `toJson(${name})`, `maxwritetime(${name})`])
}

/** Of a timeuuid Cassandra says a type that is none. */
function aggregates(random: Random, table: GeneratedTable): string {
  const columns = table.columns.filter(({ holds, type }) => !holds && type !== 'timeuuid')
  return columns.length > 0 ? `count(*), ${random.pick(['min', 'max', 'count'])}(${random.pick(columns).name})` : 'count(*)'
}
