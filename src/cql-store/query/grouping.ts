import type { SelectStatement } from '../lang/index.ts'
import { invalid } from '../refusal.ts'
import type { Table } from '../schema/index.ts'
import type { Plan } from './select-run.ts'
import type { Selector } from './selector.ts'
import { columnNamed, type Where } from './where.ts'

/** GROUP BY: the partition key, then clustering columns in their order; those that WHERE gives by `=` may be left out. */
export function groupingOf(
  table: Table,
  { groupBy, distinct }: SelectStatement,
  selectors: readonly Selector[],
  where: Where,
): Plan['group'] {
  if (groupBy.length === 0) return selectors.some(({ isAggregate }) => isAggregate) ? { isWhole: true, clusteringColumns: 0 } : null
  const key = [...table.partitionKey, ...table.clustering]
  let place = 0
  for (const name of groupBy) {
    const column = columnNamed(table, name)
    if (column.kind !== 'partition_key' && column.kind !== 'clustering')
      throw invalid(`Group by is currently only supported on the columns of the PRIMARY KEY, got ${name}`)
    if (distinct && column.kind === 'clustering') throw invalid('Grouping on clustering columns is not allowed for SELECT DISTINCT queries')
    for (let skipped = key[place]; skipped && skipped !== column; skipped = key[++place]) {
      const restriction = where.columns.get(skipped.name)
      if (!restriction?.equals || restriction.isIn)
        throw invalid('Group by currently only support groups of columns following their declared order in the PRIMARY KEY')
    }
    place++
  }
  const isGiven = (name: string): boolean => where.columns.get(name)?.equals !== undefined && where.columns.get(name)?.equals !== null
  if (key.slice(place, table.partitionKey.length).some(({ name }) => !isGiven(name)))
    throw invalid('Group by is not supported on only a part of the partition key')
  return { isWhole: false, clusteringColumns: Math.max(0, place - table.partitionKey.length) }
}
