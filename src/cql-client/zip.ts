import { crc32, inflateRawSync } from 'node:zlib'
import { messageOf, type Result } from '../platform/index.ts'

const END_SIGNATURE = 0x0605_4b50
const END_BYTES = 22
const MAX_COMMENT_BYTES = 0xffff
const ENTRY_SIGNATURE = 0x0201_4b50
const ENTRY_BYTES = 46
const LOCAL_SIGNATURE = 0x0403_4b50
const LOCAL_BYTES = 30
const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 0x0001
/** Certificates and a few lines of JSON: a file that claims more is none of ours. */
const MAX_ENTRIES = 256
const MAX_FILE_BYTES = 1024 * 1024

interface Entry {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedBytes: number
  readonly sizeBytes: number
  readonly localAt: number
}

/**
 * The named files of a small zip archive, by its central directory (APPNOTE 6.3, §4.3.12; no zip64, no encryption, one disk). Names that
 * it does not have are left out. Never throws: an archive that is damaged, or made to harm, gives a reason.
 */
export function readZip(bytes: Buffer, names: readonly string[]): Result<Map<string, Buffer>, string> {
  try {
    const found = new Map<string, Buffer>()
    for (const entry of readEntries(bytes)) if (names.includes(entry.name)) found.set(entry.name, readContent(bytes, entry))
    return { ok: true, value: found }
  } catch (error) {
    if (error instanceof BadZip || error instanceof RangeError) return { ok: false, error: messageOf(error) }
    throw error
  }
}

class BadZip extends Error {}

function readEntries(bytes: Buffer): Entry[] {
  const end = findEnd(bytes)
  const count = bytes.readUInt16LE(end + 10)
  if (count > MAX_ENTRIES) throw new BadZip(`it holds ${count} files`)
  const entries: Entry[] = []
  let at = bytes.readUInt32LE(end + 16)
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > end || bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new BadZip('its directory is damaged')
    const nameBytes = bytes.readUInt16LE(at + 28)
    const nameAt = at + ENTRY_BYTES
    if (nameAt + nameBytes > end) throw new BadZip('its directory is damaged')
    entries.push({
      name: bytes.toString('utf8', nameAt, nameAt + nameBytes),
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      compressedBytes: bytes.readUInt32LE(at + 20),
      sizeBytes: bytes.readUInt32LE(at + 24),
      localAt: bytes.readUInt32LE(at + 42),
    })
    at = nameAt + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
  return entries
}

/** The end record stands last, but for a comment of any length. */
function findEnd(bytes: Buffer): number {
  const lowest = Math.max(0, bytes.length - END_BYTES - MAX_COMMENT_BYTES)
  for (let at = bytes.length - END_BYTES; at >= lowest; at--) if (bytes.readUInt32LE(at) === END_SIGNATURE) return at
  throw new BadZip('it has no end record')
}

function readContent(bytes: Buffer, { name, flags, method, crc, compressedBytes, sizeBytes, localAt }: Entry): Buffer {
  if ((flags & ENCRYPTED) !== 0) throw new BadZip(`${name} is encrypted`)
  if (sizeBytes > MAX_FILE_BYTES) throw new BadZip(`${name} claims ${sizeBytes} bytes`)
  if (localAt + LOCAL_BYTES > bytes.length || bytes.readUInt32LE(localAt) !== LOCAL_SIGNATURE)
    throw new BadZip(`${name} is not where it should be`)
  const start = localAt + LOCAL_BYTES + bytes.readUInt16LE(localAt + 26) + bytes.readUInt16LE(localAt + 28)
  const packed = bytes.subarray(start, start + compressedBytes)
  if (packed.length !== compressedBytes) throw new BadZip(`${name} is cut short`)
  const content = unpack(name, method, packed, sizeBytes)
  if (content.length !== sizeBytes || crc32(content) !== crc) throw new BadZip(`${name} is damaged`)
  return content
}

function unpack(name: string, method: number, packed: Buffer, sizeBytes: number): Buffer {
  if (method === STORED) return packed
  if (method !== DEFLATED) throw new BadZip(`${name} is packed by method ${method}`)
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, sizeBytes) })
  } catch (error) {
    throw new BadZip(`${name} is damaged (${messageOf(error)})`)
  }
}
