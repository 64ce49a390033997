import { crc32c } from '@node-rs/crc32'
import { asBuffer, batchSizeAt } from './batch-view.ts'

/** Stamps a batch with the broker's time in place (`message.timestamp.type=LogAppendTime`): attribute bit 3, max timestamp, new CRC. */
export function stampLogAppendTime(bytes: Uint8Array, nowMs: number): void {
  const batch = asBuffer(bytes)
  batch.writeInt16BE(batch.readInt16BE(21) | 0x08, 21)
  batch.writeBigInt64BE(BigInt(nowMs), 35)
  batch.writeUInt32BE(crc32c(batch.subarray(21, batchSizeAt(batch, 0))), 17)
}
