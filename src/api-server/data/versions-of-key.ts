import { bytesAt } from '../../core/index.ts'
import { systemClock } from '../../platform/index.ts'
import { LastRecords } from './last-records.ts'
import { openReader, type ReadOptions } from './read-topic.ts'
import { recordView, type RecordView } from './records.ts'

export interface VersionsOfKey {
  /** The newest, oldest first: at most `mostVersions`, and no more than `mostBytes` unless one alone has more. */
  readonly records: RecordView[]
  /** How many there were, with those that are not kept. */
  readonly found: number
  /** How much of the topic was looked at, and whether that was all. */
  readonly scanned: number
  readonly complete: boolean
}

const mostVersions = 50

/**
 * The records of a key, from the topic's beginning until its end or the deadline, whichever is first. Keys are compared as bytes: nothing is
 * decoded but what is shown, and what is kept is bounded however much there is.
 */
export async function versionsOfKey(options: ReadOptions, key: string, deadlineMs: number): Promise<VersionsOfKey> {
  const { values, masking, signal, partitions } = options
  if (partitions.length === 0) return { records: [], found: 0, scanned: 0, complete: true }
  const last = new LastRecords(mostVersions)
  const wanted = Buffer.from(key)
  let [found, scanned] = [0, 0]
  await using reader = openReader(options, 'earliest')
  do {
    for (const batch of await reader.poll({ signal })) {
      scanned += batch.count
      for (let i = 0; i < batch.count; i++) {
        const bytes = bytesAt(batch, batch.keyAt, i)
        if (bytes === null || !wanted.equals(bytes)) continue
        await values.makeReadyFor(batch, signal)
        last.add(recordView(batch, i, values, masking))
        found++
      }
    }
  } while (!reader.atEnd() && systemClock.monotonicMs() < deadlineMs)
  return { records: [...last.all], found, scanned, complete: reader.atEnd() }
}
