import { names, type Batch } from '../core/index.ts'

/** Record times further ahead of the clock than this are dead letters (P2): they would shadow every later write. */
export const MAX_AHEAD_MS = 3_600_000

/**
 * P2: `w = max(previous + 1, record time in µs)` for every record of the batch, strictly rising within the partition. A
 * function of the batch and `previous` alone, whatever becomes of the records (written, filtered, dead letter), so that
 * reading them again after a crash gives the same. Records whose time cannot be used take `previous + 1`; should such a
 * record be read again when the clock has caught up with its time, it and those after it get a later w: never an earlier one.
 * µs since 1970 are safe integers until the year 2255, so numbers do.
 * @param previous µs; @returns the last one given, the next batch's `previous`
 */
export function assignWriteTimes(batch: Batch, previous: number, nowMs: number): number {
  const { timestampMs, writeMicros } = batch
  const latestMs = nowMs + MAX_AHEAD_MS
  let w = previous
  for (let i = 0; i < batch.count; i++) {
    const ms = timestampMs[i] ?? -1
    const micros = ms < 0 || ms > latestMs ? 0 : ms * 1_000
    w = micros > w ? micros : w + 1
    writeMicros[i] = BigInt(w)
  }
  return w
}

/**
 * P2: a replayed dead letter carries its own w, and never moves its partition's. One without (another tool's) has its record time;
 * @returns why the write time of each record cannot be used, or null
 */
export function replayedWriteTimes(batch: Batch, nowMs: number): (string | null)[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const carried = batch.headers(i).findLast(({ key }) => key === names.writeTimeHeader)?.value
    if (!carried) {
      const ms = batch.timestampMs[i] ?? -1
      batch.writeMicros[i] = BigInt(Math.max(0, Math.min(ms, nowMs + MAX_AHEAD_MS))) * 1_000n
      return timeProblem(ms, nowMs)
    }
    const text = Buffer.from(carried).toString()
    const micros = /^\d{1,16}$/.test(text) ? Number(text) : NaN
    const isUsable = micros > 0 && micros <= (nowMs + MAX_AHEAD_MS) * 1_000
    batch.writeMicros[i] = BigInt(isUsable ? micros : 0)
    return isUsable ? null : `The write time it carries, "${text.slice(0, 40)}", cannot be used: later records could not replace it.`
  })
}

/** Why a record's time cannot be used, or null. */
export function timeProblem(ms: number, nowMs: number): string | null {
  if (ms < 0) return 'The record has no time: its producer must set one, since writes are ordered by it.'
  if (ms > nowMs + MAX_AHEAD_MS)
    return `The record's time, ${isoTime(ms)}, is more than an hour ahead of the clock: later records could not replace it.`
  return null
}

function isoTime(ms: number): string {
  return ms <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
}

/** What stands beside a committed offset: the last write time given, and the shape of the topology that gave it. */
export interface CommitMetadata {
  writeMicros: number
  topology: string
}

export function encodeCommitMetadata({ writeMicros, topology }: CommitMetadata): string {
  return JSON.stringify({ v: 1, w: String(writeMicros), topology })
}

/** Null when it was not written by a stream: someone has set the group's offsets by hand. */
export function decodeCommitMetadata(text: string): CommitMetadata | null {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof json !== 'object' || json === null || !('v' in json) || json.v !== 1 || !('w' in json)) return null
  const writeMicros = typeof json.w === 'string' && /^\d{1,16}$/.test(json.w) ? Number(json.w) : NaN
  if (!Number.isSafeInteger(writeMicros)) return null
  return { writeMicros, topology: 'topology' in json && typeof json.topology === 'string' ? json.topology : '' }
}

/**
 * The `previous` a partition starts with: nothing committed, 0; an offset committed by a stream, its w; an offset set by
 * another tool, now: a reset or replay must win over what was written before (P2).
 */
export function previousWriteMicros(committed: { metadata: string } | null, nowMs: number): number {
  if (!committed) return 0
  return decodeCommitMetadata(committed.metadata)?.writeMicros ?? nowMs * 1_000
}
