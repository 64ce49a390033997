import { decodeBatch, type BatchHeader, type KafkaRecord } from '../../kafka-wire/index.ts'
import { MillraceError, type Disk } from '../../platform/index.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'
import { readMarker } from './control-records.ts'
import { scanSegment } from './scan.ts'
import { segmentName } from './segment.ts'

/** One batch, as `kafka-dump-log` tells it. Offsets of control batches have a marker in place of records. */
export interface DumpedBatch {
  file: string
  position: number
  baseOffset: number
  lastOffset: number
  sizeBytes: number
  records: number
  leaderEpoch: number
  compression: string
  maxTimestampMs: number
  producerId: number
  producerEpoch: number
  baseSequence: number
  isTransactional: boolean
  /** What a control batch ended; null for batches of records. */
  marker: 'commit' | 'abort' | null
  /** With `records: true`; null when the batch cannot be decoded. */
  content?: readonly KafkaRecord[] | null
}

export interface CheckedLog {
  segments: number
  batches: number
  records: number
  sizeBytes: number
  /** Of the sound part: from where, and what comes behind it. */
  startOffset: number
  endOffset: number
  faults: LogFault[]
}

interface LogFault {
  file: string
  /** Byte from which on the file is not sound. */
  position: number
  what: string
}

export interface RepairedLog {
  /** Bytes removed, those of whole files among them. */
  cutBytes: number
  /** The log ends here now. */
  endOffset: number
  removed: string[]
}

const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Every sound batch of a partition's folder, oldest first. Nothing is changed. @throws MillraceError NOT_FOUND */
export function dumpLog(disk: Disk, dir: string, onBatch: (batch: DumpedBatch) => void, options: { records?: boolean } = {}): CheckedLog {
  const checked: CheckedLog = { segments: 0, batches: 0, records: 0, sizeBytes: 0, startOffset: 0, endOffset: 0, faults: [] }
  for (const [i, base] of segmentsIn(disk, dir).entries()) {
    const path = `${dir}/${segmentName(base)}.log`
    const file = disk.open(path, { create: false })
    if (i === 0) checked.startOffset = checked.endOffset = base
    if (base < checked.endOffset)
      checked.faults.push({ file: path, position: 0, what: `it begins at ${base}, before the end of the one before` })
    checked.segments++
    checked.sizeBytes += file.sizeBytes()
    let position = 0
    const end = scanSegment(file, { position: 0, offset: base }, (header, bytes, at) => {
      onBatch(describe(path, position, header, bytes, at, options.records ?? false))
      position += header.sizeBytes
      checked.batches++
      checked.records += header.isControl ? 0 : header.recordCount
      checked.endOffset = Number(header.baseOffset) + header.lastOffsetDelta + 1
    })
    file.close()
    checked.endOffset = Math.max(checked.endOffset, base)
    if (end.fault !== null) checked.faults.push({ file: path, position: end.validBytes, what: end.fault })
    checkIndexes(disk, `${dir}/${segmentName(base)}`, end.validBytes, checked.faults)
  }
  return checked
}

/** Every checksum, the order of the offsets, and whether the indexes point into their segments. */
export function checkLog(disk: Disk, dir: string): CheckedLog {
  return dumpLog(disk, dir, () => {})
}

/**
 * Cuts a log at its first damage: what lies behind it is gone, later segments too. Indexes go with it, the next start makes them again.
 * Null when there is no damage, and nothing was changed.
 */
export async function repairLog(disk: Disk, dataDir: string, name: string): Promise<RepairedLog | null> {
  const dir = `${dataDir}/${name}`
  const { faults } = checkLog(disk, dir)
  const first = faults.find(({ file }) => file.endsWith('.log'))
  const repaired: RepairedLog = { cutBytes: 0, endOffset: 0, removed: [] }
  for (const { file } of faults.filter(({ file: path }) => !path.endsWith('.log'))) drop(disk, file, repaired)
  if (first) {
    const bases = segmentsIn(disk, dir)
    const at = bases.findIndex((base) => first.file === `${dir}/${segmentName(base)}.log`)
    // Its producers and indexes were those of a longer log.
    for (const name of disk.list(dir).filter((each) => each.endsWith('.snapshot'))) {
      if (Number(name.slice(0, 20)) > (bases[at] ?? 0)) drop(disk, `${dir}/${name}`, repaired)
    }
    for (const base of bases.slice(at)) {
      for (const suffix of ['.index', '.timeindex', '.txnindex']) drop(disk, `${dir}/${segmentName(base)}${suffix}`, repaired)
    }
    // One of which nothing is sound goes too, but for the first: empty it would still begin before the end of the one before.
    const keeps = at === 0 || first.position > 0
    for (const base of bases.slice(keeps ? at + 1 : at)) drop(disk, `${dir}/${segmentName(base)}.log`, repaired)
    if (keeps) repaired.cutBytes += await cut(disk, first.file, first.position)
    disk.syncDir(dir)
  }
  if (faults.length === 0) return null
  repaired.endOffset = checkLog(disk, dir).endOffset
  // The next start reads all of it, and finds no less than it was told to expect.
  lowerPoint(disk, `${dataDir}/recovery-point-offset-checkpoint`, name, 0)
  lowerPoint(disk, `${dataDir}/cleaner-offset-checkpoint`, name, repaired.endOffset)
  return repaired
}

/** @returns the bytes that went */
async function cut(disk: Disk, path: string, position: number): Promise<number> {
  const file = disk.open(path, { create: false })
  const bytes = file.sizeBytes() - position
  file.truncate(position)
  await file.datasync()
  file.close()
  return bytes
}

function lowerPoint(disk: Disk, path: string, name: string, most: number): void {
  const points = readCheckpoint(disk, path, 3)
  const lowered = points.map(([topic = '', partition = '', offset]) => {
    const point = Number(offset)
    return [topic, partition, `${topic}-${partition}` === name ? Math.min(point, most) : point]
  })
  if (points.length > 0) writeCheckpoint(disk, path, lowered)
}

function drop(disk: Disk, path: string, repaired: RepairedLog): void {
  if (!disk.exists(path)) return
  repaired.cutBytes += path.endsWith('.log') ? disk.readFile(path).length : 0
  repaired.removed.push(path)
  disk.remove(path)
}

function segmentsIn(disk: Disk, dir: string): number[] {
  const bases = disk.list(dir).flatMap((name) => (/^\d{20}\.log$/.test(name) ? [Number(name.slice(0, 20))] : []))
  if (bases.length > 0) return bases
  throw new MillraceError('NOT_FOUND', `${dir} holds no log: there is no segment (*.log) in it.`)
}

/** Entries that point behind the sound part of their segment, and those out of order. */
function checkIndexes(disk: Disk, stem: string, validBytes: number, faults: LogFault[]): void {
  const widths = { '.index': 8, '.timeindex': 12 } as const
  for (const [suffix, width] of Object.entries(widths)) {
    const path = stem + suffix
    if (!disk.exists(path)) continue
    const bytes = Buffer.from(disk.readFile(path))
    const fault = (position: number, what: string): void => void faults.push({ file: path, position, what })
    if (bytes.length % width !== 0) fault(bytes.length - (bytes.length % width), `its size is no multiple of ${width} bytes`)
    let before = -1
    for (let at = 0; at + width <= bytes.length; at += width) {
      const key = suffix === '.index' ? bytes.readInt32BE(at) : Number(bytes.readBigInt64BE(at))
      if (key <= before) return fault(at, 'its entries do not rise')
      if (suffix === '.index' && bytes.readUInt32BE(at + 4) >= Math.max(1, validBytes))
        return fault(at, 'an entry points behind the sound part of the log')
      before = key
    }
  }
}

function describe(file: string, position: number, header: BatchHeader, bytes: Buffer, at: number, records: boolean): DumpedBatch {
  const marker = header.isControl ? readMarker(bytes, at, header) : null
  const decoded = records && !header.isControl ? decodeBatch(bytes, at, header) : null
  const baseOffset = Number(header.baseOffset)
  return {
    file,
    position,
    baseOffset,
    lastOffset: baseOffset + header.lastOffsetDelta,
    sizeBytes: header.sizeBytes,
    records: header.recordCount,
    leaderEpoch: header.partitionLeaderEpoch,
    compression: compressions[bytes.readInt16BE(at + 21) & 7] ?? 'unknown',
    maxTimestampMs: Number(header.maxTimestamp),
    producerId: Number(header.producerId),
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    isTransactional: header.isTransactional,
    marker: marker ? (marker.commit ? 'commit' : 'abort') : null,
    // Copied: the bytes are the scan's.
    ...(records ? { content: decoded?.ok ? decoded.records.map(copied) : null } : {}),
  }
}

const copyOf = (bytes: Uint8Array | null): Uint8Array | null => bytes && Uint8Array.from(bytes)
const copied = (record: KafkaRecord): KafkaRecord => ({ ...record, key: copyOf(record.key), value: copyOf(record.value) })
