/**
 * What is stored for one row, and how two versions of it are reconciled. Times are microseconds (`timestamp`, from the
 * client) or seconds since 1970 (`expiresAt`, `deletedAt`, from the server).
 */

/** The primary-key liveness that INSERT writes and UPDATE does not: a row with it exists even when all its cells are null. */
export interface Liveness {
  timestamp: bigint
  /** Seconds to live as written; 0 = for ever. */
  ttl: number
  /** Seconds since 1970; 0 = never. */
  expiresAt: number
}

export interface Deletion {
  timestamp: bigint
  /** Seconds since 1970, when the server carried it out. */
  deletedAt: number
}

export type CellKind = 'value' | 'tombstone' | 'collection-deletion'

/** One column's value, one element of a collection (`path`), a tombstone of either, or the deletion of a whole collection. */
export interface Cell {
  kind: CellKind
  /** The column's number within its table: never used again after a DROP. */
  column: number
  /** The element's key in a collection; null for a plain column. */
  path: Uint8Array | null
  timestamp: bigint
  ttl: number
  /** `value`: when it expires (0 = never); otherwise when it was deleted. Seconds since 1970. */
  at: number
  /** The value as the protocol carries it; empty for tombstones. */
  value: Uint8Array
}

export interface Row {
  /** Values of the clustering columns as the protocol carries them; empty for a static row or a table without any. */
  clustering: Uint8Array[]
  liveness: Liveness | null
  deletion: Deletion | null
  /** In order of column, then collection deletion before elements, then path. */
  cells: Cell[]
}

/** Bytes in unsigned lexicographic order; null (no path) first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

export function newerDeletion(a: Deletion | null, b: Deletion | null): Deletion | null {
  if (!a || !b) return a ?? b
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? a : b
  return a.deletedAt >= b.deletedAt ? a : b
}

function newerLiveness(a: Liveness | null, b: Liveness | null): Liveness | null {
  if (!a || !b) return a ?? b
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? a : b
  if ((a.expiresAt === 0) !== (b.expiresAt === 0)) return a.expiresAt === 0 ? b : a
  if (a.expiresAt !== b.expiresAt) return a.expiresAt > b.expiresAt ? a : b
  return a.ttl <= b.ttl ? a : b
}

/**
 * Last write wins by timestamp. On equal timestamps: a tombstone over a value, an expiring value over a lasting one, the later
 * expiry or deletion, then the larger value (Cassandra's `Cells.resolveRegular`). Commutative, associative and idempotent, so replaying the
 * commit log changes nothing.
 */
export function newerCell(a: Cell, b: Cell): Cell {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? a : b
  const aDead = a.kind !== 'value'
  if (aDead !== (b.kind !== 'value')) return aDead ? a : b
  if (a.at !== b.at) {
    if (!aDead && (a.at === 0 || b.at === 0)) return a.at === 0 ? b : a
    return a.at > b.at ? a : b
  }
  if (a.ttl !== b.ttl) return a.ttl < b.ttl ? a : b
  return compareBytes(a.value, b.value) >= 0 ? a : b
}

/** Order of cells within a row; 0 means the same place, so that one must win. */
export function compareCellPlaces(a: Cell, b: Cell): number {
  if (a.column !== b.column) return a.column - b.column
  const aRank = cellRank(a)
  const bRank = cellRank(b)
  if (aRank !== bRank) return aRank - bRank
  return a.path && b.path ? compareBytes(a.path, b.path) : 0
}

function cellRank(cell: Cell): number {
  if (cell.kind === 'collection-deletion') return 0
  return cell.path === null ? 1 : 2
}

/** One row out of two versions of it; what either deletes is gone from the other. */
export function mergeRows(a: Row, b: Row): Row {
  const deletion = newerDeletion(a.deletion, b.deletion)
  const liveness = newerLiveness(a.liveness, b.liveness)
  return pruneRow(
    { clustering: a.clustering.length > 0 ? a.clustering : b.clustering, liveness, deletion, cells: mergeCells(a.cells, b.cells) },
    deletion,
  )
}

function mergeCells(a: readonly Cell[], b: readonly Cell[]): Cell[] {
  const merged: Cell[] = []
  let i = 0
  let j = 0
  for (;;) {
    const left = a[i]
    const right = b[j]
    if (!left && !right) return merged
    const order = !left ? 1 : !right ? -1 : compareCellPlaces(left, right)
    if (order === 0 && left && right) {
      merged.push(newerCell(left, right))
      i++
      j++
    } else if (order < 0 && left) {
      merged.push(left)
      i++
    } else if (right) {
      merged.push(right)
      j++
    }
  }
}

/** The row without what `deletion` (the row's own, its partition's or a range's) and its collections' deletions shadow: times ≤ theirs. */
export function pruneRow(row: Row, deletion: Deletion | null): Row {
  const floor = deletion ? deletion.timestamp : null
  const liveness = row.liveness && floor !== null && row.liveness.timestamp <= floor ? null : row.liveness
  const cells: Cell[] = []
  let collection = -1
  let collectionFloor = 0n
  for (const cell of row.cells) {
    if (floor !== null && cell.timestamp <= floor) continue
    if (cell.kind === 'collection-deletion') {
      collection = cell.column
      collectionFloor = cell.timestamp
    } else if (cell.column === collection && cell.path !== null && cell.timestamp <= collectionFloor) continue
    cells.push(cell)
  }
  const own = row.deletion && floor !== null && deletion !== row.deletion && row.deletion.timestamp <= floor ? null : row.deletion
  return { clustering: row.clustering, liveness, deletion: own, cells }
}

/** True when the row is to be seen at `nowSeconds`: it has the liveness marker or a live cell. */
export function isRowLive(row: Row, nowSeconds: number): boolean {
  if (row.liveness && isUnexpired(row.liveness.expiresAt, nowSeconds)) return true
  return row.cells.some((cell) => isCellLive(cell, nowSeconds))
}

export function isCellLive(cell: Cell, nowSeconds: number): boolean {
  return cell.kind === 'value' && isUnexpired(cell.at, nowSeconds)
}

function isUnexpired(expiresAt: number, nowSeconds: number): boolean {
  return expiresAt === 0 || expiresAt > nowSeconds
}
