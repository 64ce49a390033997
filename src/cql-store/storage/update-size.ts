import { places, prefixLengthOf } from './keys.ts'
import { decodeDeletions, mergeDeletions, type PartitionDeletions } from './partition-deletions.ts'
import { decodeRow } from './row-codec.ts'
import { mergeRows, type Cell, type Row } from './row.ts'
import type { StoredRecord } from './sorted-store.ts'

/** Cassandra 5's `dataSize()` of its parts, in bytes. */
const cellBytes = 20
const livenessBytes = 8
const expiringLivenessBytes = 20
const rowDeletionBytes = 13
const partitionDeletionBytes = 8
const rangeListBytes = 4
const rangeBytes = 12
const collectionDeletionBytes = 12
/** A time-based UUID: here a list's elements have shorter ones. */
const listPathBytes = 16
/** A partition has a static row, if only an empty one. */
const emptyRowBytes = livenessBytes + rowDeletionBytes

const placeNames = {
  deletions: String.fromCharCode(places.deletions),
  static: String.fromCharCode(places.static),
  onlyRow: String.fromCharCode(places.onlyRow),
}

/**
 * What Cassandra counts for one partition's update of a batch (`PartitionUpdate.dataSize`): times and values of all it writes, without the
 * partition's key. Only a range's bounds differ, by a few bytes: they are counted as they are stored here.
 */
export function partitionUpdateBytes(records: readonly StoredRecord[], isList: (column: number) => boolean): number {
  let deletions: PartitionDeletions = { partition: null, ranges: [] }
  const rows = new Map<string, { row: Row; isStatic: boolean }>()
  for (const { key, record } of records) {
    const place = key.toString('latin1', prefixLengthOf(key))
    if (place === placeNames.deletions) {
      deletions = mergeDeletions(deletions, decodeDeletions(record))
      continue
    }
    // Where a partition is one row, Cassandra deletes the partition: no deletion of the row.
    const row = place === placeNames.onlyRow ? { ...decodeRow(record), deletion: null } : decodeRow(record)
    const before = rows.get(place)
    rows.set(place, { row: before ? mergeRows(before.row, row) : row, isStatic: place === placeNames.static })
  }
  let sizeBytes = partitionDeletionBytes + emptyRowBytes + rangesBytes(deletions)
  for (const { row, isStatic } of rows.values()) sizeBytes += (isStatic ? 0 : rowBytes(row)) + cellsBytes(row.cells, isList)
  return sizeBytes
}

function rangesBytes({ ranges }: PartitionDeletions): number {
  if (ranges.length === 0) return 0
  return ranges.reduce((bytes, { start, end }) => bytes + rangeBytes + start.length + end.length, rangeListBytes)
}

/** Without its cells. */
function rowBytes({ clustering, liveness, deletion, cells }: Row): number {
  if (!liveness && !deletion && cells.length === 0) return 0
  const keyBytes = clustering.reduce((bytes, value) => bytes + value.length, 0)
  return keyBytes + (liveness && liveness.expiresAt !== 0 ? expiringLivenessBytes : livenessBytes) + rowDeletionBytes
}

function cellsBytes(cells: readonly Cell[], isList: (column: number) => boolean): number {
  let bytes = 0
  let collection = -1
  for (const { kind, column, path, value } of cells) {
    // Each collection has a deletion, if only an empty one.
    if ((path || kind === 'collection-deletion') && column !== collection) {
      collection = column
      bytes += collectionDeletionBytes
    }
    if (kind !== 'collection-deletion') bytes += cellBytes + value.length + (path ? (isList(column) ? listPathBytes : path.length) : 0)
  }
  return bytes
}
