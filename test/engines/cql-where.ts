import { literalOf, type ColumnRole, type GeneratedColumn, type GeneratedTable, type Random } from './cql-generator.ts'

/** WHERE clauses for generated statements. */

export function columnsOf({ columns }: GeneratedTable, ...roles: ColumnRole[]): GeneratedColumn[] {
  return columns.filter(({ role }) => roles.includes(role))
}

/** `=` on each, in so many of 100 cases IN instead. */
export function equals(random: Random, columns: readonly GeneratedColumn[], inPercent: number): string[] {
  return columns.map((column) => {
    if (!random.chance(inPercent)) return `${column.name} = ${literalOf(random, column.type)}`
    const items = Array.from({ length: 1 + random.below(3) }, () => literalOf(random, column.type))
    return `${column.name} IN (${items.join(', ')})`
  })
}

export function slice(random: Random, column: GeneratedColumn): string[] {
  const bound = (ops: readonly string[]): string => `${column.name} ${random.pick(ops)} ${literalOf(random, column.type)}`
  const lower = bound(['>', '>='])
  const upper = bound(['<', '<='])
  return random.pick([[lower], [upper], [lower, upper]])
}

/** Equalities on the first clustering columns, then perhaps a slice. */
export function clusteringRange(random: Random, table: GeneratedTable): string[] {
  const clustering = columnsOf(table, 'clustering')
  if (clustering.length === 0) return []
  const count = random.below(clustering.length + 1)
  const where = equals(random, clustering.slice(0, count), 15)
  const next = clustering[count]
  return next && random.chance(75) ? [...where, ...slice(random, next)] : where
}

export function tokenRange(random: Random, table: GeneratedTable): string[] {
  const token = `token(${columnsOf(table, 'partition').map(({ name }) => name).join(', ')})` // prettier-ignore
  const at = (): string => random.pick(['0', '-4069959284402364209', '5000000000000000000', '-9223372036854775808', '9223372036854775807'])
  return random.pick([[`${token} > ${at()}`], [`${token} <= ${at()}`], [`${token} >= ${at()}`, `${token} < ${at()}`]])
}

/** Several clustering columns compared at once. */
export function tupleRelation(random: Random, table: GeneratedTable): string[] {
  const clustering = columnsOf(table, 'clustering')
  if (clustering.length === 0) return []
  const columns = clustering.slice(0, 1 + random.below(clustering.length))
  const values = (): string => `(${columns.map(({ type }) => literalOf(random, type)).join(', ')})`
  const names = `(${columns.map(({ name }) => name).join(', ')})`
  if (random.chance(25)) return [`${names} IN (${Array.from({ length: 1 + random.below(3) }, values).join(', ')})`]
  if (random.chance(25)) return [`${names} ${random.pick(['>', '>='])} ${values()}`, `${names} ${random.pick(['<', '<='])} ${values()}`]
  return [`${names} ${random.pick(['>', '>=', '<', '<=', '='])} ${values()}`]
}

/** Any condition on a column, or on an element of a collection. */
export function condition(random: Random, column: GeneratedColumn): string[] {
  const { name, type, holds } = column
  if (holds) {
    const value = literalOf(random, holds.at(-1) ?? 'int')
    if (type.startsWith('map')) {
      const key = literalOf(random, holds[0] ?? 'int')
      if (random.chance(35)) return [`${name} CONTAINS KEY ${key}`]
      if (random.chance(40)) return [`${name}[${key}] = ${value}`]
    }
    return [`${name} CONTAINS ${value}`]
  }
  if (type === 'duration') return [`${name} = ${literalOf(random, type)}`]
  return random.chance(50) ? equals(random, [column], 20) : slice(random, column)
}
