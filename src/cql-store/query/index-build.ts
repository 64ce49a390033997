import type { MillraceError } from '../../platform/index.ts'
import type { Catalogue, Table, TableIndex } from '../schema/index.ts'
import { decodeRow, places, prefixLengthOf, tableStart, type Engine, type StoredRecord } from '../storage/index.ts'
import { enterRow } from './index-entries.ts'

/** Records read from the store at once. */
const chunkRecords = 500

/** Enters the rows that were there before an index, behind everything else; a store that ends before goes on at its next start. */
export async function buildIndexes(catalogue: Catalogue, engine: Engine): Promise<void> {
  for (;;) {
    const [next] = catalogue
      .tables()
      .flatMap((table) => table.indexes.flatMap((index) => (index.progress.isBuilt ? [] : [{ table, index }])))
    if (!next) return
    const { table, index } = next
    if ((await enterAll(catalogue, table, index, engine)) === 'closed') return
    catalogue.indexBuilt(index.number)
  }
}

async function enterAll(catalogue: Catalogue, table: Table, index: TableIndex, engine: Engine): Promise<'done' | 'closed'> {
  const end = tableStart(table.number + 1)
  let start = tableStart(table.number)
  // A table or an index that is dropped meanwhile needs no entries.
  while (catalogue.isLive(index.number) && catalogue.isLive(table.number)) {
    // It fills the memtable as writers do, and waits as they do (P6); what it then reads is as it is then.
    if (engine.congested) await new Promise<void>((resolve) => engine.relief(resolve))
    const records = engine.range(start, end, false, chunkRecords)
    const last = records.at(-1)
    if (!last) return 'done'
    if (!(await entered(table, index, records, engine))) return 'closed'
    start = Buffer.concat([last.key, Buffer.of(0)])
  }
  return 'done'
}

/** False when the store no longer takes writes. */
function entered(table: Table, index: TableIndex, records: readonly StoredRecord[], engine: Engine): Promise<boolean> {
  if (engine.refusal()) return Promise.resolve(false)
  engine.mutations.begin()
  for (const { key, record } of records) {
    const place = key.subarray(prefixLengthOf(key))
    if (table.clustering.length > 0 && place.length === 1 && place[0] === places.deletions) continue
    const { clustering, cells } = decodeRow(record)
    const values = cells.filter(({ kind }) => kind === 'value')
    enterRow(table, key, clustering, values, engine, [index])
  }
  return new Promise((resolve) => {
    engine.submit({ committed: () => resolve(true), refused: (_error: MillraceError) => resolve(false) })
  })
}
