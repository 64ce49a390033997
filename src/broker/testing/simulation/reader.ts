import { decodeBatch, errorCodes, fetch, listOffsets, readBatchHeader } from '../../../kafka-wire/index.ts'
import { places } from './history.ts'
import type { Life } from './life.ts'
import { Violation, type Found, type Reading } from './model.ts'

const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString()

/** One fetch of a client of our own, which leaves out what is aborted by the list (KIP-98); null when the broker cannot answer. */
export async function readOnce(
  life: Life,
  place: number,
  at: { from: number; maxBytes: number; committed: boolean },
): Promise<Reading | null> {
  const { topic, partition } = places[place] ?? { topic: 'log', partition: 0 }
  const partitions = [{ partition, fetchOffset: BigInt(at.from), partitionMaxBytes: at.maxBytes }]
  const isolationLevel = at.committed ? 1 : 0
  const answer = await life.ask(fetch, 11, { maxWaitMs: 0, minBytes: 0, isolationLevel, topics: [{ topic, partitions }] })
  const found = answer?.responses[0]?.partitions[0]
  if (!found || life.failing.isDead) return null
  if (found.errorCode !== errorCodes.NONE) {
    if (found.errorCode === errorCodes.KAFKA_STORAGE_ERROR) return null
    throw new Violation(`fetch from ${at.from} of ${topic}-${partition} was answered with error ${found.errorCode}`)
  }
  const aborted = at.committed ? (found.abortedTransactions ?? []) : []
  const { records, next } = decode(Buffer.from(found.records ?? []), at.from, aborted)
  const end = Number(at.committed ? found.lastStableOffset : found.highWatermark)
  if (next === at.from && at.from < end) throw new Violation(`fetch from ${at.from} of ${topic}-${partition} gave nothing below ${end}`)
  return {
    place,
    from: at.from,
    next,
    committed: at.committed,
    isWhole: false,
    found: records,
    highWatermark: Number(found.highWatermark),
    lastStableOffset: Number(found.lastStableOffset),
    logStartOffset: Number(found.logStartOffset),
    nowMs: life.clock.nowMs(),
  }
}

function decode(
  bytes: Buffer,
  from: number,
  aborted: readonly { producerId: bigint; firstOffset: bigint }[],
): { records: Found[]; next: number } {
  const waiting = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const dropped = new Set<bigint>()
  const records: Found[] = []
  let next = from
  for (let at = 0; at < bytes.length;) {
    const header = readBatchHeader(bytes, at)
    if (!header) throw new Violation('what was fetched is no record batch')
    while (waiting[0] && waiting[0].firstOffset <= header.baseOffset + BigInt(header.lastOffsetDelta))
      dropped.add(waiting.shift()?.producerId ?? -1n)
    if (header.isControl) dropped.delete(header.producerId)
    else if (!(header.isTransactional && dropped.has(header.producerId))) {
      const decoded = decodeBatch(bytes, at, header)
      if (!decoded.ok) throw new Violation(`what was fetched cannot be decoded: ${decoded.reason}`)
      for (const { offset, headers } of decoded.records)
        if (Number(offset) >= from) records.push({ offset: Number(offset), id: text(headers[0]?.value) })
    }
    next = Math.max(next, Number(header.baseOffset) + header.lastOffsetDelta + 1)
    at += header.sizeBytes
  }
  return { records, next }
}

/** Where the place begins and ends for this reader; null when the broker cannot answer. */
export async function endsOf(life: Life, place: number, committed: boolean): Promise<{ start: number; end: number } | null> {
  const { topic, partition } = places[place] ?? { topic: 'log', partition: 0 }
  const ask = async (timestamp: bigint): Promise<number | null> => {
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }]
    const answer = await life.ask(listOffsets, 7, { replicaId: -1, isolationLevel: committed ? 1 : 0, topics })
    const found = answer?.topics[0]?.partitions[0]
    return found?.errorCode === errorCodes.NONE ? Number(found.offset) : null
  }
  const [start, end] = [await ask(-2n), await ask(-1n)]
  return start === null || end === null ? null : { start, end }
}
