import { ByteWriter } from './byte-writer.ts'

export const frameHeaderBytes = 9

/** The largest body that Cassandra accepts by default (`native_transport_max_frame_size` was 256 MiB until 4.0, 16 MiB since). */
export const maxFrameBytes = 256 * 1024 * 1024

/** Frame header of v3 to v5 (spec v4 §2). */
export interface FrameHeader {
  /** Without the direction bit; 3 to 5 for what this room can decode, but any number may stand in a frame. */
  version: number
  isResponse: boolean
  flags: number
  /** −1 for events. */
  stream: number
  opcode: number
  /** Of the body, bytes. */
  length: number
}

/** The header at `at`, or null when fewer than 9 bytes are there. */
export function readFrameHeader(bytes: Uint8Array, at: number): FrameHeader | null {
  if (bytes.length - at < frameHeaderBytes) return null
  const b = (i: number): number => bytes[at + i] ?? 0
  return {
    version: b(0) & 0x7f,
    isResponse: (b(0) & 0x80) !== 0,
    flags: b(1),
    stream: ((b(2) << 24) >> 16) | b(3),
    opcode: b(4),
    length: ((b(5) << 24) | (b(6) << 16) | (b(7) << 8) | b(8)) >>> 0,
  }
}

/** Begins a frame in `out`; `endFrame` puts its length in. Returns where it starts. */
export function beginFrame(out: ByteWriter, first: number, flags: number, stream: number, opcode: number): number {
  const start = out.ensure(frameHeaderBytes)
  const bytes = out.bytes
  bytes[start] = first
  bytes[start + 1] = flags
  bytes[start + 2] = stream >> 8
  bytes[start + 3] = stream
  bytes[start + 4] = opcode
  out.at = start + frameHeaderBytes
  return start
}

export function endFrame(out: ByteWriter, start: number): void {
  out.intAt(start + 5, out.at - start - frameHeaderBytes)
}
