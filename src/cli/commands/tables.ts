import type { Command } from 'commander'
import type { WithContext } from '../main.ts'
import { addTableFileCommands } from './table-files.ts'
import { addTableFolderCommands } from './table-folder.ts'

export function addTableCommands(program: Command, context: WithContext): void {
  const tables = program
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
  addTableFileCommands(tables, context)
  addTableFolderCommands(tables, context)
}
