import { decodeBatch, encodeBatch, type BatchHeader } from '../../kafka-wire/index.ts'
import { asBuffer } from './batch-view.ts'

/** Ends a producer's transaction in a partition (KIP-98). */
export interface Marker {
  readonly producerId: number
  readonly epoch: number
  readonly commit: boolean
  readonly coordinatorEpoch: number
}

const types = { abort: 0, commit: 1 } as const

/** A control batch of one record: key version int16 (0), type int16; value version int16 (0), coordinator epoch int32 (EndTxnMarker). */
export function encodeMarker(marker: Marker, timestampMs: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(marker.commit ? types.commit : types.abort, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  return encodeBatch({
    records: [{ key, value, timestampMs }],
    compression: 'none',
    isControl: true,
    isTransactional: true,
    producerId: BigInt(marker.producerId),
    producerEpoch: marker.epoch,
    baseSequence: -1,
  })
}

/** The marker in a control batch; null when it is of another kind. */
export function readMarker(bytes: Uint8Array, at: number, header: BatchHeader): Marker | null {
  if (!header.isControl) return null
  const decoded = decodeBatch(bytes, at, header)
  const record = decoded.ok ? decoded.records[0] : undefined
  if (!record?.key || record.key.length < 4) return null
  const type = asBuffer(record.key).readInt16BE(2)
  if (type !== types.abort && type !== types.commit) return null
  return {
    producerId: Number(header.producerId),
    epoch: header.producerEpoch,
    commit: type === types.commit,
    coordinatorEpoch: record.value && record.value.length >= 6 ? asBuffer(record.value).readInt32BE(2) : -1,
  }
}
