import { WireError } from '../wire-error.ts'

/** Of an LZ4 frame (LZ4 Frame Format 1.6.4), as little-endian number. */
const MAGIC = 0x184d2204
/** A length is written as bytes of up to 255 each: no block expands further. */
const MAX_RATIO = 255

/**
 * The most bytes that an LZ4 frame can unpack to, told by the sizes of its blocks alone. Honest frames fill their blocks: for them it is what
 * they unpack to, but for the last block. Throws WireError when the bytes are no such frame; a frame that is cut short is told up to there.
 */
export function lz4Limit(frame: Buffer): number {
  if (frame.byteLength < 7 || frame.readUInt32LE(0) !== MAGIC) throw new WireError('the records are not an lz4 frame')
  const flags = frame.readUInt8(4)
  const largestBlock = 1 << (8 + 2 * ((frame.readUInt8(5) >> 4) & 7))
  const hasChecksums = (flags & 0x10) !== 0
  const contentSizeBytes = (flags & 0x08) !== 0 ? 8 : 0
  const dictionaryBytes = (flags & 0x01) !== 0 ? 4 : 0
  let at = 7 + contentSizeBytes + dictionaryBytes
  let limit = 0
  while (at + 4 <= frame.byteLength) {
    const word = frame.readUInt32LE(at)
    if (word === 0) break
    const sizeBytes = word & 0x7fff_ffff
    const isPlain = word > 0x7fff_ffff
    limit += isPlain ? sizeBytes : Math.min(largestBlock, sizeBytes * MAX_RATIO)
    at += 4 + sizeBytes + (hasChecksums ? 4 : 0)
  }
  return limit
}
