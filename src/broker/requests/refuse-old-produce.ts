import { errorCodes, Reader, Writer } from '../../kafka-wire/index.ts'
import type { Answer } from './handler.ts'

/**
 * Produce 0 to 2 (record formats before magic 2) are advertised for librdkafka's sake and refused: each partition is answered
 * with UNSUPPORTED_VERSION. Request: acks int16, timeout int32, [topic string, [partition int32, records bytes]].
 * Response: [topic, [partition, error int16, offset int64, (2: log append time int64)]], (1+: throttle time int32).
 */
export function refuseOldProduce(version: number, correlationId: number, body: Uint8Array): Answer {
  const reader = new Reader(body)
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  const acks = reader.int16()
  reader.int32()
  copyArray(reader, writer, () => {
    writer.string(reader.string(false), false)
    copyArray(reader, writer, () => {
      writer.int32(reader.int32())
      reader.bytes(false)
      writer.int16(errorCodes.UNSUPPORTED_VERSION)
      writer.int64(-1n)
      if (version >= 2) writer.int64(-1n)
    })
  })
  if (version >= 1) writer.int32(0)
  writer.patchInt32(0, writer.sizeBytes - 4)
  return acks === 0 ? null : writer.parts()
}

function copyArray(reader: Reader, writer: Writer, element: () => void): void {
  const count = reader.arrayLength(false, 4) ?? 0
  writer.int32(count)
  for (let i = 0; i < count; i++) element()
}
