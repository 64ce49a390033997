import { bytesAt, type Batch } from '../../core/index.ts'
import { masked, payloadView, decodeWithoutSchema, mask, type PayloadView, type Personal } from './payload.ts'
import type { TopicValues } from './systems.ts'

/** One record of a topic. Offsets are text: they may exceed what JSON's numbers hold. */
export interface RecordView {
  partition: number
  offset: string
  /** ISO 8601 UTC; null when the producer gave none. */
  at: string | null
  key: PayloadView | null
  value: PayloadView | null
  headers: { key: string; value: string | null }[]
}

/** What of personal fields the asker may see; null: everything. */
export type Masking = Personal | null

/** Headers that say where a record comes from. The message and stack of a failure may tell of its value, other programs' headers of anything. */
export const saysOrigin = /^(?:millrace\.|__connect\.errors\.(?!exception\.(?:message|stacktrace)$))/

/** A record of a batch that `values` was made ready for. */
export function recordView(batch: Batch, i: number, values: Pick<TopicValues, 'decode'>, masking: Masking): RecordView {
  const key = bytesAt(batch, batch.keyAt, i)
  const value = bytesAt(batch, batch.valueAt, i)
  const keyShown = key && payloadView(key, decodeWithoutSchema(key))
  const decoded = value && values.decode(value)
  const timestampMs = batch.timestampMs[i] ?? -1
  return {
    partition: batch.partition,
    offset: String(batch.offsets[i]),
    at: timestampMs < 0 || timestampMs > 8.64e15 ? null : new Date(timestampMs).toISOString(),
    key: masking?.keyIsPersonal && keyShown ? { format: 'text', text: mask, sizeBytes: keyShown.sizeBytes, masked: true } : keyShown,
    value: decoded && masked(payloadView(value, decoded), masking),
    headers: batch.headers(i).map(({ key, value }) => ({
      key,
      value: value && (masking === null || saysOrigin.test(key) ? Buffer.from(value).toString('utf8') : mask),
    })),
  }
}
