import { crc32c } from '@node-rs/crc32'
import type { ProducerState } from './producer-states.ts'

/**
 * Kafka's `.snapshot` file: version int16 (1), CRC-32C uint32 of what follows it, count int32, and per producer id int64,
 * epoch int16, last sequence int32 (−1: no batch), last offset int64, offset delta int32, timestamp int64, coordinator epoch
 * int32, first offset of an open transaction int64 (−1: none).
 */
const headerBytes = 10
const entryBytes = 46
const maxSequence = 0x7fff_ffff

export function writeSnapshot(producers: ReadonlyMap<number, ProducerState>): Buffer {
  const bytes = Buffer.alloc(headerBytes + producers.size * entryBytes)
  bytes.writeInt16BE(1, 0)
  bytes.writeInt32BE(producers.size, 6)
  let at = headerBytes
  for (const [id, { epoch, batches, lastTimestampMs, coordinatorEpoch, transactionFrom }] of producers) {
    const last = batches.at(-1)
    bytes.writeBigInt64BE(BigInt(id), at)
    bytes.writeInt16BE(epoch, at + 8)
    bytes.writeInt32BE(last?.lastSequence ?? -1, at + 10)
    bytes.writeBigInt64BE(BigInt(last?.lastOffset ?? -1), at + 14)
    bytes.writeInt32BE(last ? last.lastOffset - last.baseOffset : 0, at + 22)
    bytes.writeBigInt64BE(BigInt(lastTimestampMs), at + 26)
    bytes.writeInt32BE(coordinatorEpoch, at + 34)
    bytes.writeBigInt64BE(BigInt(transactionFrom ?? -1), at + 38)
    at += entryBytes
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
  return bytes
}

/** Null when the bytes are no sound snapshot. */
export function readSnapshot(bytes: Buffer, seenMs: number): Map<number, ProducerState> | null {
  if (bytes.length < headerBytes || bytes.readInt16BE(0) !== 1) return null
  const count = bytes.readInt32BE(6)
  if (count < 0 || bytes.length !== headerBytes + count * entryBytes) return null
  if (bytes.readUInt32BE(2) !== crc32c(bytes.subarray(6))) return null
  const producers = new Map<number, ProducerState>()
  for (let at = headerBytes; at < bytes.length; at += entryBytes) {
    const lastSequence = bytes.readInt32BE(at + 10)
    const lastOffset = Number(bytes.readBigInt64BE(at + 14))
    const delta = bytes.readInt32BE(at + 22)
    const lastTimestampMs = Number(bytes.readBigInt64BE(at + 26))
    const firstSequence =
      lastSequence < 0 || lastSequence >= delta ? Math.max(-1, lastSequence - delta) : lastSequence - delta + maxSequence + 1
    const batch = { firstSequence, lastSequence, baseOffset: lastOffset - delta, lastOffset, timestampMs: lastTimestampMs }
    const transactionFrom = Number(bytes.readBigInt64BE(at + 38))
    producers.set(Number(bytes.readBigInt64BE(at)), {
      epoch: bytes.readInt16BE(at + 8),
      batches: lastOffset < 0 ? [] : [batch],
      seenMs,
      lastTimestampMs,
      transactionFrom: transactionFrom < 0 ? null : transactionFrom,
      coordinatorEpoch: bytes.readInt32BE(at + 34),
    })
  }
  return producers
}
