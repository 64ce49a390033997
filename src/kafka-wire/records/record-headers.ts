import { WireError } from '../wire-error.ts'
import { RecordReader } from './record-reader.ts'

export interface RecordHeader {
  key: string
  value: Uint8Array | null
}

/** Reads the header section of a record (count, then key and value of each) that lies at `start`. Values are views. Throws {@link WireError}. */
export function readHeaders(bytes: Uint8Array, start: number, end: number): RecordHeader[] {
  const reader = new RecordReader(bytes, start, end)
  const headers: RecordHeader[] = []
  for (let left = headerCount(reader); left > 0; left--) {
    const keyLength = reader.varint()
    const keyAt = reader.take(keyLength)
    const key = reader.buffer.toString('utf8', keyAt, keyAt + keyLength)
    const valueLength = reader.varint()
    const valueAt = valueLength < 0 ? -1 : reader.take(valueLength)
    headers.push({ key, value: valueAt < 0 ? null : reader.buffer.subarray(valueAt, valueAt + valueLength) })
  }
  return headers
}

/** Steps over a header section and returns how many headers it has. */
export function skipHeaders(reader: RecordReader): number {
  const count = headerCount(reader)
  for (let left = count; left > 0; left--) {
    reader.take(reader.varint())
    const valueLength = reader.varint()
    if (valueLength > 0) reader.take(valueLength)
  }
  return count
}

function headerCount(reader: RecordReader): number {
  const count = reader.varint()
  // Each takes at least two bytes.
  if (count < 0 || count * 2 > reader.end - reader.at) throw new WireError(`a record cannot have ${count} headers`)
  return count
}
