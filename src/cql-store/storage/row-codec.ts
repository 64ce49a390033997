import type { GrowingBuffer } from './growing-buffer.ts'
import type { Cell, Deletion, Liveness, Row } from './row.ts'

/**
 * A row as stored (big-endian):
 *
 *     u8 flags: 1 liveness, 2 liveness expires, 4 deletion, 8 clustering values, 16 more than 65,535 cells (format 2)
 *     [liveness]   i64 timestamp [u32 ttl u32 expiresAt]
 *     [deletion]   i64 timestamp u32 deletedAt
 *     [clustering] u8 count, each: u16 length, bytes
 *     u16 (with flag 16: u32) cells, each: u16 column, u8 flags (1 tombstone, 2 expires, 4 timestamp is the liveness's, 8 path, 16 collection deletion),
 *       [i64 timestamp] [u16 length, path] then tombstone: u32 deletedAt | value: [u32 ttl u32 expiresAt] u32 length, bytes
 *
 * Column values are the protocol's own bytes, so that a prepared INSERT copies what it received, once.
 */
export const rowFlags = { liveness: 1, expiring: 2, deletion: 4, clustering: 8, manyCells: 16 } as const
/** As many as a count of two bytes says. */
export const fewCells = 0xffff
export const cellFlags = { tombstone: 1, expiring: 2, sameTimestamp: 4, path: 8, collectionDeletion: 16 } as const

export function writeRowHead(
  out: GrowingBuffer,
  liveness: Liveness | null,
  deletion: Deletion | null,
  clustering: readonly Uint8Array[],
  cells = 0,
): void {
  const expiring = liveness !== null && liveness.expiresAt !== 0
  out.u8(
    (liveness ? rowFlags.liveness : 0) |
      (expiring ? rowFlags.expiring : 0) |
      (deletion ? rowFlags.deletion : 0) |
      (clustering.length > 0 ? rowFlags.clustering : 0) |
      (cells > fewCells ? rowFlags.manyCells : 0),
  )
  if (liveness) {
    out.i64(liveness.timestamp)
    if (expiring) {
      out.u32(liveness.ttl)
      out.u32(liveness.expiresAt)
    }
  }
  if (deletion) {
    out.i64(deletion.timestamp)
    out.u32(deletion.deletedAt)
  }
  if (clustering.length > 0) {
    out.u8(clustering.length)
    for (const value of clustering) {
      out.u16(value.length)
      out.raw(value)
    }
  }
}

export function writeCell(out: GrowingBuffer, cell: Cell, livenessTimestamp: bigint | null): void {
  const dead = cell.kind !== 'value'
  const same = cell.timestamp === livenessTimestamp
  const expiring = !dead && cell.at !== 0
  out.u16(cell.column)
  out.u8(
    (dead ? cellFlags.tombstone : 0) |
      (expiring ? cellFlags.expiring : 0) |
      (same ? cellFlags.sameTimestamp : 0) |
      (cell.path ? cellFlags.path : 0) |
      (cell.kind === 'collection-deletion' ? cellFlags.collectionDeletion : 0),
  )
  if (!same) out.i64(cell.timestamp)
  if (cell.path) {
    out.u16(cell.path.length)
    out.raw(cell.path)
  }
  if (dead) out.u32(cell.at)
  else {
    if (expiring) {
      out.u32(cell.ttl)
      out.u32(cell.at)
    }
    out.u32(cell.value.length)
    out.raw(cell.value)
  }
}

export function encodeRow(out: GrowingBuffer, row: Row): void {
  const cells = row.cells.length
  writeRowHead(out, row.liveness, row.deletion, row.clustering, cells)
  if (cells > fewCells) out.u32(cells)
  else out.u16(cells)
  for (const cell of row.cells) writeCell(out, cell, row.liveness?.timestamp ?? null)
}

/** True for a row that is there whatever its cells are: it has the marker, which does not expire, and no deletion of its own. */
export function isSurelyLive(record: Buffer): boolean {
  return ((record[0] ?? 0) & (rowFlags.liveness | rowFlags.expiring | rowFlags.deletion)) === rowFlags.liveness
}

/**
 * Finds the values of a row that {@link isSurelyLive}: `found` gets, by column, where a value's u32 length stands, 0 for none.
 * False when a cell is of a collection or expires.
 */
export function findPlainCells(record: Buffer, found: Int32Array): boolean {
  found.fill(0)
  // Only collections have so many.
  if ((record[0] ?? 0) & rowFlags.manyCells) return false
  let at = 9
  if ((record[0] ?? 0) & rowFlags.clustering) {
    const count = record[at++] ?? 0
    for (let i = 0; i < count; i++) at += 2 + record.readUInt16BE(at)
  }
  const count = record.readUInt16BE(at)
  at += 2
  for (let i = 0; i < count; i++) {
    const column = record.readUInt16BE(at)
    const flags = record[at + 2] ?? 0
    if (flags & (cellFlags.expiring | cellFlags.path | cellFlags.collectionDeletion)) return false
    at += flags & cellFlags.sameTimestamp ? 3 : 11
    if (flags & cellFlags.tombstone) {
      at += 4
      continue
    }
    if (column < found.length) found[column] = at
    at += 4 + record.readUInt32BE(at)
  }
  if (at > record.length) throw new RangeError('a cell runs past the end of its row')
  return true
}

const empty = new Uint8Array(0)

/** Reads what {@link encodeRow} wrote; values are views into `bytes`. Throws RangeError on bytes that are no row. */
export function decodeRow(bytes: Buffer): Row {
  let at = 0
  const flags = bytes.readUInt8(at++)
  let liveness: Liveness | null = null
  if (flags & rowFlags.liveness) {
    liveness = { timestamp: bytes.readBigInt64BE(at), ttl: 0, expiresAt: 0 }
    at += 8
    if (flags & rowFlags.expiring) {
      liveness.ttl = bytes.readUInt32BE(at)
      liveness.expiresAt = bytes.readUInt32BE(at + 4)
      at += 8
    }
  }
  let deletion: Deletion | null = null
  if (flags & rowFlags.deletion) {
    deletion = { timestamp: bytes.readBigInt64BE(at), deletedAt: bytes.readUInt32BE(at + 8) }
    at += 12
  }
  const clustering: Uint8Array[] = []
  if (flags & rowFlags.clustering) {
    const count = bytes.readUInt8(at++)
    for (let i = 0; i < count; i++) {
      const length = bytes.readUInt16BE(at)
      clustering.push(bytes.subarray(at + 2, at + 2 + length))
      at += 2 + length
    }
  }
  const hasManyCells = (flags & rowFlags.manyCells) !== 0
  const count = hasManyCells ? bytes.readUInt32BE(at) : bytes.readUInt16BE(at)
  at += hasManyCells ? 4 : 2
  const cells: Cell[] = []
  for (let i = 0; i < count; i++) {
    const column = bytes.readUInt16BE(at)
    const flags = bytes.readUInt8(at + 2)
    at += 3
    let timestamp = liveness?.timestamp ?? 0n
    if (!(flags & cellFlags.sameTimestamp)) {
      timestamp = bytes.readBigInt64BE(at)
      at += 8
    }
    let path: Uint8Array | null = null
    if (flags & cellFlags.path) {
      const length = bytes.readUInt16BE(at)
      path = bytes.subarray(at + 2, at + 2 + length)
      at += 2 + length
    }
    if (flags & cellFlags.tombstone) {
      const kind = flags & cellFlags.collectionDeletion ? 'collection-deletion' : 'tombstone'
      cells.push({ kind, column, path, timestamp, ttl: 0, at: bytes.readUInt32BE(at), value: empty })
      at += 4
      continue
    }
    let ttl = 0
    let expiresAt = 0
    if (flags & cellFlags.expiring) {
      ttl = bytes.readUInt32BE(at)
      expiresAt = bytes.readUInt32BE(at + 4)
      at += 8
    }
    const length = bytes.readUInt32BE(at)
    if (at + 4 + length > bytes.length) throw new RangeError('a cell runs past the end of its row')
    cells.push({ kind: 'value', column, path, timestamp, ttl, at: expiresAt, value: bytes.subarray(at + 4, at + 4 + length) })
    at += 4 + length
  }
  return { clustering, liveness, deletion, cells }
}
