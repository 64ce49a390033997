import { messageOf, type Disk } from '../../platform/index.ts'
import { logHead, logNumbers, logPath, readGroups, recordsOf } from './commit-log.ts'
import { partitionOfKey, places, tableOfKey } from './keys.ts'
import { decodeDeletions } from './partition-deletions.ts'
import { isDeletionsKey } from './record.ts'
import { decodeRow } from './row-codec.ts'
import { compareCellPlaces, type Row } from './row.ts'
import { SortedStore } from './sorted-store.ts'

const chunkRecords = 1_000
const firstKey = Buffer.from([0, 0, 0, 1])
const afterAll = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])

export interface Problem {
  /** A file and a byte, or a key in hexadecimal. */
  where: string
  what: string
}

export interface CheckedStorage {
  /** Records of the sorted store, by the table's number. */
  records: Map<number, number>
  logFiles: number
  logGroups: number
  /** Bytes of a torn end, which no client was answered for: the next start cuts them off. */
  tornBytes: number
}

export interface CheckOptions {
  dataDir: string
  disk: Disk
  /** What is wrong with a row of a table as its schema has it, or null. */
  rowFault: (table: number, partitionKey: Uint8Array, token: bigint, row: Row) => string | null
  onProblem: (problem: Problem) => void
  onRecords: (count: number) => void
}

/**
 * Reads everything: checksums of the commit log, order and encodings of the sorted store. Changes nothing, also beside a store that runs: its log
 * may then end in what is just being written.
 */
export async function checkStorage(options: CheckOptions): Promise<CheckedStorage> {
  const checked: CheckedStorage = { records: new Map(), logFiles: 0, logGroups: 0, tornBytes: 0 }
  const store = SortedStore.openToRead(`${options.dataDir}/lmdb`)
  try {
    await checkLog(options, store.appliedPosition()?.file ?? 0, checked)
    await checkRecords(options, store, checked)
  } finally {
    await store.close()
  }
  return checked
}

async function checkLog({ disk, dataDir, onProblem, ...options }: CheckOptions, first: number, checked: CheckedStorage): Promise<void> {
  const folder = `${dataDir}/commitlog`
  const numbers = logNumbers(disk, folder).filter((number) => number >= first)
  for (const number of numbers) {
    const path = logPath(folder, number)
    // A store that runs deletes files when all of them is applied.
    if (!disk.exists(path)) continue
    const file = disk.open(path, { create: false })
    try {
      checked.logFiles++
      const { end, size } = await readGroups(file, logHead, (payload) => {
        checked.logGroups++
        for (const { key, record } of recordsOf(payload))
          checkRecord({ ...options, onProblem }, key, record, `${path} group ${checked.logGroups}`)
      })
      if (end >= size) continue
      if (number === numbers.at(-1)) checked.tornBytes += size - end
      else onProblem({ where: `${path} byte ${end} of ${size}`, what: 'a group whose checksum is wrong, or that is cut off' })
    } finally {
      file.close()
    }
  }
}

async function checkRecords(options: CheckOptions, store: SortedStore, checked: CheckedStorage): Promise<void> {
  let next = firstKey
  for (;;) {
    const records = store.range(next, afterAll, false, chunkRecords)
    const last = records.at(-1)
    if (!last) return
    let before: Buffer | null = null
    for (const { key, record } of records) {
      const table = tableOfKey(key)
      checked.records.set(table, (checked.records.get(table) ?? 0) + 1)
      if (before && Buffer.compare(before, key) >= 0) options.onProblem({ where: key.toString('hex'), what: 'a key out of order' })
      before = key
      checkRecord(options, key, record, key.toString('hex'))
    }
    options.onRecords(records.length)
    next = Buffer.concat([last.key, Uint8Array.of(0)])
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function checkRecord(
  { rowFault, onProblem }: Pick<CheckOptions, 'rowFault' | 'onProblem'>,
  key: Buffer,
  record: Buffer,
  where: string,
): void {
  const fault = recordFault(key, record, rowFault)
  if (fault !== null) onProblem({ where, what: fault })
}

function recordFault(key: Buffer, record: Buffer, rowFault: CheckOptions['rowFault']): string | null {
  try {
    const { partitionKey, prefixLength, token } = partitionOfKey(key)
    if (key.length === prefixLength) return 'a key without a place in its partition'
    if (isDeletionsKey(key)) {
      decodeDeletions(record)
      return null
    }
    const row = decodeRow(record)
    const isOrdered = row.cells.every((cell, i) => {
      const other = row.cells[i - 1]
      return !other || compareCellPlaces(other, cell) < 0
    })
    if (!isOrdered) return 'cells out of order'
    const isStatic = key.length === prefixLength + 1 && key[prefixLength] === places.static
    return isStatic && row.liveness ? 'a static row with a marker' : rowFault(tableOfKey(key), partitionKey, token, row)
  } catch (error) {
    return messageOf(error)
  }
}
