import type { Table } from '../schema/index.ts'
import { afterPrefix, partitionOfKey, prefixLengthOf, tableStart, type Engine } from '../storage/index.ts'

/** Records looked at for a table: so many pieces of so many. */
const pieces = 8
const pieceRecords = 128
const minToken = -(2n ** 63n)
const ringTokens = 2 ** 64

interface SizeEstimate {
  partitions: number
  /** Bytes of a partition's keys and records; at least, where it has more rows than are looked at. */
  meanPartitionBytes: number
}

/**
 * How large a table is, told from its first partitions: tokens are spread evenly, so that the part of the ring which they take up tells how many
 * there are. A small table is counted.
 */
export function estimateSize({ number }: Table, engine: Engine): SizeEstimate {
  const end = tableStart(number + 1)
  let start = tableStart(number)
  let partitions = 0
  let bytes = 0
  let prefix: Buffer = Buffer.alloc(0)
  const estimate = (token: bigint | null): SizeEstimate => {
    const part = token === null ? 1 : Number(token - minToken + 1n) / ringTokens
    return { partitions: Math.round(partitions / part), meanPartitionBytes: partitions === 0 ? 0 : Math.round(bytes / partitions) }
  }
  for (let piece = 0; ; piece++) {
    const records = engine.range(start, end, false, pieceRecords)
    const partitionsBefore = partitions
    for (const { key, record } of records) {
      const own = key.subarray(0, prefixLengthOf(key))
      if (!prefix.equals(own)) partitions++
      prefix = own
      bytes += key.length + record.length
    }
    const last = records.at(-1)
    if (!last || records.length < pieceRecords) return estimate(null)
    if (piece === pieces - 1) return estimate(partitionOfKey(last.key).token)
    // A piece within one partition: the rest of that is passed over.
    start = partitions - partitionsBefore <= 1 ? afterPrefix(prefix) : Buffer.concat([last.key, Buffer.of(0)])
  }
}
