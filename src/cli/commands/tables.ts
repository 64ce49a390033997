import type { Command } from 'commander'
import type { WithContext } from '../main.ts'

export function addTableCommands(program: Command, context: WithContext): void {
  program
    .command('tables')
    .description('list tables with their columns and keys')
    .option('--system', "Cassandra's own tables as well")
    .action(async ({ system }: { system?: boolean }) => {
      const { output, withCassandra } = context()
      const tables = await withCassandra(async (session) => {
        const keyspaces = (await session.keyspaces()).filter((name) => system || !name.startsWith('system'))
        return (await Promise.all(keyspaces.map((name) => session.tables(name)))).flat()
      })
      output.data(tables)
      output.table(
        ['TABLE', 'KEY', 'COLUMNS'],
        tables.map((table) => [
          `${table.keyspace}.${table.name}`,
          [`(${table.partitionKey.join(', ')})`, ...table.clusteringKey.map((key) => key.column)].join(', '),
          table.columns.map((column) => `${column.name} ${column.type}`).join(', '),
        ]),
      )
    })
  program
    .command('query <cql>')
    .description('run one CQL statement and print its rows')
    .option('--limit <n>', 'rows to print at most', '1000')
    .action(async (cql: string, { limit }: { limit: string }) => {
      const { output, withCassandra } = context()
      const result = await withCassandra((session) => session.query(cql, { pageSize: Math.max(1, Number(limit)) }))
      output.data(result)
      if (result.columns.length === 0) return output.line('done')
      output.table(
        result.columns.map((column) => column.name),
        result.rows.map((row) => result.columns.map((column) => shown(row[column.name]))),
      )
      output.line(`(${result.rows.length} rows${result.pagingState === null ? '' : ', more with --limit'})`)
    })
}

function shown(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}
