import { encodeClustering, partitionPrefix, RowWriter, withPlace, type Engine } from '../storage/index.ts'

/** One statement: it writes or deletes rows, all with the time of its place in the history. */
export interface Step {
  number: number
  rows: number[]
  /** Null: the rows are deleted, so long ago that the tombstones are garbage. */
  value: string | null
}

export const historyRows = 60
const order = [{ ordering: 'signed' as const, descending: false }]
export const historyPrefix = partitionPrefix(1, 7n, Buffer.from('p'))

/** Depends on seed and number alone. */
export function stepOf(seed: number, number: number): Step {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0
  const below = (limit: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    return (state >>> 3) % limit
  }
  const first = below(historyRows)
  const rows = Array.from({ length: 1 + below(3) }, (_, i) => (first + i) % historyRows)
  return { number, rows, value: below(4) === 0 ? null : `${number}:`.padEnd(8 + below(2_000), 'x') }
}

/** The rows after the first `count` steps. */
export function modelAfter(seed: number, count: number): Map<number, string> {
  const model = new Map<number, string>()
  for (let i = 0; i < count; i++) {
    const { rows, value } = stepOf(seed, i)
    for (const row of rows) {
      if (value === null) model.delete(row)
      else model.set(row, value)
    }
  }
  return model
}

export function clusteringOf(row: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(row)
  return bytes
}

/** Writes a step's rows as one statement; resolves when it is acknowledged. */
export function writeStep(engine: Engine, { number, rows, value }: Step): Promise<void> {
  const { mutations } = engine
  const writer = new RowWriter(mutations)
  const timestamp = BigInt(number + 1)
  mutations.begin()
  for (const row of rows) {
    const clustering = clusteringOf(row)
    mutations.beginRecord(withPlace(historyPrefix, encodeClustering(order, [clustering])))
    if (value === null) writer.begin(null, { timestamp, deletedAt: 1 }, [clustering])
    else {
      writer.begin({ timestamp, ttl: 0, expiresAt: 0 }, null, [clustering])
      writer.value(2, timestamp, 0, 0, Buffer.from(value))
    }
    writer.end()
    mutations.endRecord()
  }
  return new Promise((committed, refused) => engine.submit({ committed, refused }))
}
