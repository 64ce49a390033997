import { checkValue, formatType, murmur3Token } from '../cql-wire/index.ts'
import { MillraceError, systemDisk, type Disk } from '../platform/index.ts'
import { Catalogue, isMultiCell, qualifiedName, type Table } from './schema/index.ts'
import { checkStorage, type Problem, type Row } from './storage/index.ts'

export interface CheckedStore {
  tables: { table: string; records: number }[]
  /** Of tables that are gone, and entries of indexes. */
  otherRecords: number
  logFiles: number
  logGroups: number
  /** Bytes of a torn end, which no client was answered for: the next start cuts them off. */
  tornBytes: number
  problems: number
}

export interface CheckStoreOptions {
  /** Folder of the store. */
  dataDir: string
  disk?: Disk
  onProblem?: (problem: Problem) => void
  /** Called with each further count of records that were read. */
  onRecords?: (count: number) => void
}

/**
 * Reads a store's folder as a whole and tells what is wrong in it; changes nothing, and may be used beside a store that runs.
 * @throws MillraceError NOT_FOUND when there is none, DATA_CORRUPT when its schema cannot be read, DATA_DIR_NEWER
 */
export async function checkCqlStore(options: CheckStoreOptions): Promise<CheckedStore> {
  const { dataDir, disk = systemDisk, onProblem = () => {}, onRecords = () => {} } = options
  if (!disk.exists(`${dataDir}/schema.json`)) throw new MillraceError('NOT_FOUND', `${dataDir} holds no tables.`)
  const catalogue = Catalogue.open(disk, dataDir)
  const tables = new Map<number, Table>()
  for (const keyspace of catalogue.keyspaces.values()) for (const table of keyspace.tables.values()) tables.set(table.number, table)
  let problems = 0
  const { records, logFiles, logGroups, tornBytes } = await checkStorage({
    dataDir,
    disk,
    rowFault: (number, partitionKey, token, row) => {
      const table = tables.get(number)
      return table ? rowFault(table, partitionKey, token, row) : null
    },
    onProblem: (problem) => {
      problems++
      onProblem(problem)
    },
    onRecords,
  })
  const counted = [...tables.values()].map((table) => ({ table: qualifiedName(table), records: records.get(table.number) ?? 0 }))
  const all = [...records.values()].reduce((sum, count) => sum + count, 0)
  const otherRecords = all - counted.reduce((sum, each) => sum + each.records, 0)
  return { tables: counted, otherRecords, logFiles, logGroups, tornBytes, problems }
}

function rowFault(table: Table, partitionKey: Uint8Array, token: bigint, row: Row): string | null {
  const name = qualifiedName(table)
  if (murmur3Token(partitionKey) !== token) return `${name}: the token is not that of the partition key`
  for (const cell of row.cells) {
    const column = table.columns.find(({ id }) => id === cell.column)
    // Cells of a dropped column stay until they are written over.
    if (!column || cell.kind !== 'value' || isMultiCell(column)) continue
    const value = checkValue(column.type, cell.value)
    if (!value.ok) return `${name}: column ${column.name} is no ${formatType(column.type)}: ${value.reason}`
  }
  return null
}
