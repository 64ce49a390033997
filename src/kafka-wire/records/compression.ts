import { createRequire } from 'node:module'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { asBuffer } from '../reader.ts'
import { WireError } from '../wire-error.ts'
import { lz4Limit } from './lz4-frame.ts'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** By the codec number in the low three bits of a batch's attributes. */
const byNumber: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** No batch may unpack to more than this: a few kilobytes of zstd can claim gigabytes. */
const MAX_UNCOMPRESSED_BYTES = 256 * 1024 * 1024
/** A snappy copy of up to 64 bytes takes two or three: no honest block expands further. */
const SNAPPY_MAX_RATIO = 64

/** The framing of xerial's snappy-java, which Java clients write and expect: magic, version 1, compatible from 1, then blocks with an int32 length each. */
const XERIAL_HEADER = Buffer.from('82534e41505059000000000100000001', 'hex')
const XERIAL_MAGIC_BYTES = 8
const XERIAL_BLOCK_BYTES = 32 * 1024

// Native libraries, loaded by the first batch that needs them: each takes up to 3 MB a process, and most processes meet neither.
const require = createRequire(import.meta.url)
const lz4 = once((): typeof import('lz4-napi') => require('lz4-napi'))
const snappy = once((): typeof import('snappy') => require('snappy'))

function once<Module>(load: () => Module): () => Module {
  let loaded: Module | null = null
  return () => (loaded ??= load())
}

export function compressionOf(attributes: number): Compression | null {
  return byNumber[attributes & 7] ?? null
}

export function codecNumber(compression: Compression): number {
  return byNumber.indexOf(compression)
}

interface Codec {
  compress(bytes: Buffer): Buffer
  decompress(packed: Buffer): Buffer
}

const codecs: Record<Compression, Codec> = {
  none: { compress: (bytes) => bytes, decompress: (packed) => packed },
  gzip: { compress: (bytes) => gzipSync(bytes), decompress: (packed) => gunzipSync(packed, { maxOutputLength: MAX_UNCOMPRESSED_BYTES }) },
  snappy: { compress: compressXerial, decompress: decompressSnappy },
  lz4: { compress: (bytes) => lz4().compressFrameSync(bytes), decompress: decompressLz4 },
  zstd: {
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (packed) => zstdDecompressSync(packed, { maxOutputLength: MAX_UNCOMPRESSED_BYTES }),
  },
}

export function compress(compression: Compression, bytes: Buffer): Buffer {
  return codecs[compression].compress(bytes)
}

/** Throws {@link WireError} when the bytes are not what the codec writes, or would unpack to more than 256 MiB. */
export function decompress(compression: Compression, bytes: Uint8Array): Buffer {
  try {
    return codecs[compression].decompress(asBuffer(bytes))
  } catch (error) {
    if (error instanceof WireError) throw error
    throw new WireError(`the records are not valid ${compression}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** The library would unpack whatever comes. */
function decompressLz4(packed: Buffer): Buffer {
  const limit = lz4Limit(packed)
  if (limit > MAX_UNCOMPRESSED_BYTES) throw new WireError(`an lz4 frame of ${packed.byteLength} bytes can unpack to ${limit}`)
  return lz4().decompressFrameSync(packed)
}

function compressXerial(bytes: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER]
  for (let at = 0; at < bytes.byteLength; at += XERIAL_BLOCK_BYTES) {
    const block = snappy().compressSync(bytes.subarray(at, at + XERIAL_BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.byteLength)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Both ways clients write snappy: xerial's framing (Java, kafkajs) and one raw block (librdkafka). */
function decompressSnappy(packed: Buffer): Buffer {
  if (!packed.subarray(0, XERIAL_MAGIC_BYTES).equals(XERIAL_HEADER.subarray(0, XERIAL_MAGIC_BYTES))) return decompressSnappyBlock(packed)
  const blocks: Buffer[] = []
  let at = XERIAL_HEADER.byteLength
  let total = 0
  while (at < packed.byteLength) {
    if (at + 4 > packed.byteLength) throw new WireError('a snappy block length is cut short')
    const length = packed.readInt32BE(at)
    if (length < 0 || at + 4 + length > packed.byteLength) throw new WireError(`a snappy block of ${length} bytes does not fit`)
    const block = decompressSnappyBlock(packed.subarray(at + 4, at + 4 + length))
    total += block.byteLength
    if (total > MAX_UNCOMPRESSED_BYTES) throw new WireError(`the records unpack to more than ${MAX_UNCOMPRESSED_BYTES} bytes`)
    blocks.push(block)
    at += 4 + length
  }
  return blocks.length === 1 && blocks[0] !== undefined ? blocks[0] : Buffer.concat(blocks)
}

/** The block starts with its unpacked size as a varint; the library would allocate whatever it says. */
function decompressSnappyBlock(block: Buffer): Buffer {
  let claimed = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i] ?? 0
    claimed += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) break
  }
  if (claimed > block.byteLength * SNAPPY_MAX_RATIO || claimed > MAX_UNCOMPRESSED_BYTES) {
    throw new WireError(`a snappy block of ${block.byteLength} bytes claims to unpack to ${claimed}`)
  }
  const unpacked = snappy().uncompressSync(block, { asBuffer: true })
  return typeof unpacked === 'string' ? Buffer.from(unpacked) : unpacked
}
