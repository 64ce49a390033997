import { tableOfKey } from './keys.ts'
import type { Memtable } from './memtable.ts'
import { mergeRecords } from './record.ts'

/** What `SortedStore.apply` does with each key of a memtable; `memtable` is asked for when it does. */
export function mergeInto(
  memtable: () => Memtable,
  isLive: (table: number) => boolean,
): (key: Buffer, old: Buffer | undefined) => Buffer | null | undefined {
  return (key, old) => {
    if (!isLive(tableOfKey(key))) return null
    const record = memtable().get(key.toString('latin1'))
    if (!record) return undefined
    if (!old) return record
    const merged = mergeRecords(key, old, record)
    // LMDB's buffer is its own and used again at the next read: it must not be written back.
    return merged === old ? undefined : merged
  }
}
