import { open, stat } from 'node:fs/promises'
import { systemClock } from '../platform/index.ts'
import type { ServerEvent } from './http/route.ts'

/** Bytes of a log that one answer carries at most. */
const chunkBytes = 1_048_576
const followMs = 250

export interface LogPart {
  text: string
  /** Byte to go on from. */
  next: number
  sizeBytes: number
}

/** Whole lines only, so that no character is cut in two; the rest comes with the next call. */
export async function readLog(path: string, from: number): Promise<LogPart> {
  const { size } = await stat(path).catch(() => ({ size: 0 }))
  const length = Math.min(Math.max(0, size - from), chunkBytes)
  if (length === 0) return { text: '', next: Math.min(from, size), sizeBytes: size }
  await using file = await open(path, 'r')
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, from)
  const end = buffer.lastIndexOf(0x0a, bytesRead - 1) + 1 || (length === chunkBytes ? bytesRead : 0)
  return { text: buffer.toString('utf8', 0, end), next: from + end, sizeBytes: size }
}

/** The log from a byte on, as it grows, until its attempt has ended and all of it was read. The id of an event is the byte to go on from. */
export async function* followLog(
  path: string,
  from: number,
  hasEnded: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  let at = from
  while (!signal.aborted) {
    // Asked before it is read: what was written before the end is read after it.
    const ended = await hasEnded()
    let part = await readLog(path, at)
    while (part.text !== '' && !signal.aborted) {
      at = part.next
      yield { event: 'text', id: String(at), data: { text: part.text } }
      part = await readLog(path, at)
    }
    if (ended) {
      yield { event: 'end', id: String(at), data: {} }
      return
    }
    await systemClock.sleep(followMs, signal).catch(() => undefined)
  }
}
