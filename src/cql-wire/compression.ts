import type { Buffer as NodeBuffer } from 'node:buffer'
import { Buffer } from 'node:buffer'
import { createRequire } from 'node:module'
import type { ByteWriter } from './byte-writer.ts'
import { frameFlags } from './constants.ts'
import { endFrame, frameHeaderBytes } from './frame.ts'

/** What STARTUP may agree on (spec v4 §5): `lz4` is one raw block behind its unpacked size (int), `snappy` one raw block. */
export type FrameCompression = 'lz4' | 'snappy'

export const frameCompressions: readonly FrameCompression[] = ['snappy', 'lz4']

/** Smaller bodies go as they are; the header's flag tells of each frame. */
const leastBytes = 512
/** An LZ4 sequence of one byte more gives at most 255 more; three bytes of snappy give at most 64. No honest body unpacks further. */
const maxRatio = { lz4: 256, snappy: 64 }

// Native libraries, loaded by the first connection that asks for them.
const require = createRequire(import.meta.url)
const lz4 = (): typeof import('lz4-napi') => require('lz4-napi')
const snappy = (): typeof import('snappy') => require('snappy')

/** Packs the body of the frame that `out` has from `start` to its end, where that makes it smaller. */
export function compressFrame(out: ByteWriter, start: number, compression: FrameCompression): void {
  const bodyAt = start + frameHeaderBytes
  if (out.at - bodyAt < leastBytes) return
  const packed = pack(compression, out.bytes.subarray(bodyAt, out.at))
  if (packed.length >= out.at - bodyAt) return
  out.at = bodyAt
  out.raw(packed)
  out.bytes[start + 1] = (out.bytes[start + 1] ?? 0) | frameFlags.COMPRESSED
  endFrame(out, start)
}

function pack(compression: FrameCompression, body: NodeBuffer): NodeBuffer {
  if (compression === 'snappy') return snappy().compressSync(body)
  // The library has the size in front too, but in little-endian order.
  const packed = lz4().compressSync(body)
  packed.subarray(0, 4).swap32()
  return packed
}

/** The body as it was. Never throws; nothing is unpacked that claims more than `maxBytes`, or than its size can hold. */
export function decompressBody(
  compression: FrameCompression,
  body: Uint8Array,
  maxBytes: number,
): { ok: true; body: Uint8Array } | { ok: false; reason: string } {
  const packed = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const claimed = compression === 'lz4' ? (packed.length < 4 ? null : packed.readUInt32BE(0)) : snappySize(packed)
  if (claimed === null || claimed > packed.length * maxRatio[compression])
    return { ok: false, reason: `The body is no ${compression} block` }
  if (claimed > maxBytes) return { ok: false, reason: `The body unpacks to ${claimed} bytes, where ${maxBytes} are allowed` }
  if (claimed === 0) return { ok: true, body: new Uint8Array(0) }
  try {
    const unpacked =
      compression === 'lz4' ? lz4().uncompressSync(littleEndianSize(packed)) : snappy().uncompressSync(packed, { asBuffer: true })
    if (typeof unpacked !== 'string' && unpacked.length === claimed) return { ok: true, body: unpacked }
  } catch {
    // Told below: the libraries' words help nobody.
  }
  return { ok: false, reason: `The body is no ${compression} block` }
}

function littleEndianSize(packed: NodeBuffer): NodeBuffer {
  const copy = Buffer.from(packed)
  copy.subarray(0, 4).swap32()
  return copy
}

/** The unpacked size that a snappy block begins with, a varint. */
function snappySize(packed: NodeBuffer): number | null {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = packed[i]
    if (byte === undefined) return null
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  return null
}
