import { type BatchHeader, decodeBatchInto, readBatchHeader, readHeaders, RecordColumns, verifyBatchCrc } from '../kafka-wire/index.ts'
import { AbortedRecords, type AbortedTransaction } from './aborted-transactions.ts'
import type { Batch } from './batch.ts'

export interface FetchedRecords {
  topic: string
  partition: number
  /** Whole record batches; the last may be cut short. */
  records: Uint8Array
  /** Transactions whose records are left out. Default: none. */
  aborted?: readonly AbortedTransaction[]
  /** Records before it are dropped: a fetch answers with the batch that holds the offset. */
  position: bigint
  highWatermark: bigint
}

export type DecodedRecords =
  | {
      ok: true
      batches: Batch[]
      nextOffset: bigint
      /** Of the last record batch; null when there was none. */ leaderEpoch: number | null
    }
  | { ok: false; reason: string; offset: bigint }

interface Located {
  at: number
  header: BatchHeader
}

/** Rows up to this many are worth copying together with their neighbours, so that a trickle of tiny batches is one `Batch`. */
const SMALL_ROWS = 256
const MAX_MERGED_ROWS = 4096

/**
 * Fetched bytes as column batches. Uncompressed record batches of one leader epoch become one `Batch` on the fetched bytes
 * themselves, compressed ones a `Batch` each unless they are small. Control batches and aborted records are skipped, their offsets passed over.
 */
export function decodeFetched(fetched: FetchedRecords): DecodedRecords {
  const located = locate(fetched)
  if (!located.ok) return located
  const pieces: Batch[] = []
  for (const run of runsOf(located.batches)) {
    const piece = decodeRun(fetched, run)
    if (typeof piece === 'string') return { ok: false, reason: piece, offset: run[0]?.header.baseOffset ?? fetched.position }
    if (piece && piece.count > 0) pieces.push(piece)
  }
  const batches = mergeSmall(pieces)
  const last = batches.at(-1)
  if (last && located.nextOffset > last.nextOffset) last.nextOffset = located.nextOffset
  return { ok: true, batches, nextOffset: located.nextOffset, leaderEpoch: located.leaderEpoch }
}

function locate(
  fetched: FetchedRecords,
): { ok: true; batches: Located[]; nextOffset: bigint; leaderEpoch: number | null } | { ok: false; reason: string; offset: bigint } {
  const { records, position } = fetched
  const aborted = new AbortedRecords(fetched.aborted ?? [])
  const batches: Located[] = []
  let nextOffset = position
  let leaderEpoch: number | null = null
  for (let at = 0; ;) {
    const header = readBatchHeader(records, at)
    if (!header) {
      const isBroken = at === 0 && records.byteLength > 0
      return isBroken ? { ok: false, reason: 'no whole record batch', offset: position } : { ok: true, batches, nextOffset, leaderEpoch }
    }
    if (header.magic !== 2) return { ok: false, reason: `a message set of format ${header.magic}`, offset: header.baseOffset }
    // Before any of its fields is believed: a wrong lastOffsetDelta would make it look like one to pass over.
    if (!verifyBatchCrc(records, at, header)) return { ok: false, reason: 'a checksum that does not match', offset: header.baseOffset }
    const lastOffset = header.baseOffset + BigInt(header.lastOffsetDelta)
    if (lastOffset >= position) {
      nextOffset = lastOffset + 1n
      leaderEpoch = header.partitionLeaderEpoch
      if (!aborted.holds(records, at, header) && !header.isControl) batches.push({ at, header })
    }
    at += header.sizeBytes
  }
}

/** Neighbours that can share columns: uncompressed, of one leader epoch. */
function runsOf(batches: readonly Located[]): Located[][] {
  const runs: Located[][] = []
  for (const located of batches) {
    const run = runs.at(-1)
    const first = run?.[0]?.header
    const { compression, partitionLeaderEpoch } = located.header
    const fits = compression === 'none' && first?.compression === 'none' && first.partitionLeaderEpoch === partitionLeaderEpoch
    if (run && fits) run.push(located)
    else runs.push([located])
  }
  return runs
}

function decodeRun(fetched: FetchedRecords, run: readonly Located[]): Batch | string | null {
  const columns = new RecordColumns(run.reduce((rows, { header }) => rows + header.recordCount, 0))
  for (const { at, header } of run) {
    const appended = decodeBatchInto(fetched.records, at, header, columns)
    if (appended.is === 'malformed') return appended.reason
    if (appended.is !== 'appended') return `columns that do not fit (${appended.is})`
  }
  const last = run.at(-1)?.header
  if (!last) return null
  const from = rowsBefore(columns.offsets, columns.length, fetched.position)
  return batchOf(fetched, columns, from, last)
}

function rowsBefore(offsets: BigInt64Array, count: number, position: bigint): number {
  let row = 0
  while (row < count && (offsets[row] ?? position) < position) row++
  return row
}

function batchOf(fetched: FetchedRecords, columns: RecordColumns, from: number, last: BatchHeader): Batch {
  const { bytes, length: to } = columns
  const headersAt = columns.headersAt.subarray(from * 2, to * 2)
  return {
    topic: fetched.topic,
    partition: fetched.partition,
    leaderEpoch: last.partitionLeaderEpoch,
    bytes,
    count: to - from,
    keyAt: columns.keyAt.subarray(from * 2, to * 2),
    valueAt: columns.valueAt.subarray(from * 2, to * 2),
    offsets: columns.offsets.subarray(from, to),
    timestampMs: columns.timestampMs.subarray(from, to),
    writeMicros: new BigInt64Array(to - from),
    headers: (i) => readHeaders(bytes, headersAt[i * 2] ?? -1, headersAt[i * 2 + 1] ?? -1),
    nextOffset: last.baseOffset + BigInt(last.lastOffsetDelta) + 1n,
    highWatermark: fetched.highWatermark,
  }
}

function mergeSmall(pieces: readonly Batch[]): Batch[] {
  const merged: Batch[] = []
  let group: Batch[] = []
  let rows = 0
  const flush = (): void => {
    if (group.length > 0) merged.push(concatenate(group, rows))
    group = []
    rows = 0
  }
  for (const piece of pieces) {
    const first = group[0]
    if (first && (first.leaderEpoch !== piece.leaderEpoch || rows + piece.count > MAX_MERGED_ROWS)) flush()
    if (piece.count > SMALL_ROWS) {
      flush()
      merged.push(piece)
    } else {
      group.push(piece)
      rows += piece.count
    }
  }
  flush()
  return merged
}

function concatenate(pieces: readonly Batch[], count: number): Batch {
  const [first] = pieces
  const last = pieces.at(-1)
  if (!first || !last) throw new RangeError('nothing to concatenate')
  if (pieces.length === 1) return first
  const owners: { piece: Batch; from: number }[] = []
  const offsets = new BigInt64Array(count)
  const timestampMs = new Float64Array(count)
  const keyAt = new Int32Array(count * 2)
  const valueAt = new Int32Array(count * 2)
  const bytes = Buffer.concat(pieces.map((piece) => piece.bytes))
  let row = 0
  let base = 0
  for (const piece of pieces) {
    owners.push({ piece, from: row })
    offsets.set(piece.offsets, row)
    timestampMs.set(piece.timestampMs, row)
    shiftInto(keyAt, piece.keyAt, row * 2, base)
    shiftInto(valueAt, piece.valueAt, row * 2, base)
    row += piece.count
    base += piece.bytes.byteLength
  }
  const headers: Batch['headers'] = (i) => {
    const owner = owners.findLast(({ from }) => from <= i)
    return owner ? owner.piece.headers(i - owner.from) : []
  }
  return {
    ...first,
    bytes,
    count,
    keyAt,
    valueAt,
    offsets,
    timestampMs,
    writeMicros: new BigInt64Array(count),
    headers,
    nextOffset: last.nextOffset,
  }
}

function shiftInto(target: Int32Array, pairs: Int32Array, at: number, base: number): void {
  for (let i = 0; i < pairs.length; i += 2) {
    const start = pairs[i] ?? -1
    target[at + i] = start < 0 ? -1 : start + base
    target[at + i + 1] = (pairs[i + 1] ?? 0) + base
  }
}
