export { Engine, type Waiter } from './engine.ts'
export { orderingOf, encodeOrdered, type OrderedAs } from './ordered-encoding.ts'
export {
  afterPrefix,
  encodeClustering,
  firstRowPlace,
  maxKeyBytes,
  partitionOfKey,
  partitionPrefix,
  places,
  prefixLengthOf,
  tableOfKey,
  tableStart,
  tokenBound,
  withPlace,
  type ClusteringOrder,
} from './keys.ts'
export { decodeRow, findPlainCells, isSurelyLive } from './row-codec.ts'
export { RowWriter } from './row-writer.ts'
export { isCellLive, isRowLive, pruneRow, type Cell, type Row, type Deletion } from './row.ts'
export { decodeDeletions, deletionOver, encodeDeletions, type PartitionDeletions } from './partition-deletions.ts'
export type { StoredRecord } from './sorted-store.ts'
export { compactSortedStore } from './sorted-store.ts'
export { checkStorage, type Problem } from './check.ts'
export { partitionUpdateBytes } from './update-size.ts'
