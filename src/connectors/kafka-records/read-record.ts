import { bytesAt, type Batch } from '../../core/index.ts'
import type { ValueCodec } from '../../formats/index.ts'
import { messageOf } from '../../platform/index.ts'
import { jsonWithWholeNumbers } from '../json-values.ts'
import type { BadKafkaRecord, KafkaRecord } from './options.ts'

export interface HowToRead {
  keys: 'text' | 'bytes'
  values: 'json' | 'text' | 'bytes' | { codec: ValueCodec }
}

export type ReadRecord = { ok: true; record: KafkaRecord } | { ok: false; bad: BadKafkaRecord }

/** A record of a batch whose schemas are at hand. */
export function readRecord(batch: Batch, i: number, how: HowToRead): ReadRecord {
  const key = bytesAt(batch, batch.keyAt, i)
  const value = bytesAt(batch, batch.valueAt, i)
  const timestampMs = batch.timestampMs[i] ?? -1
  const rest = {
    headers: Object.fromEntries(batch.headers(i).map((header) => [header.key, header.value && textOrBase64(header.value)])),
    timestamp: timestampMs < 0 ? null : new Date(timestampMs).toISOString(),
    partition: batch.partition,
    offset: Number(batch.offsets[i]),
  }
  try {
    return { ok: true, record: { key: key && readKey(key, how), value: value && readValue(value, how), ...rest } }
  } catch (error) {
    return { ok: false, bad: { key: key && base64(key), value: value && base64(value), ...rest, problem: messageOf(error) } }
  }
}

function readKey(bytes: Uint8Array, { keys }: HowToRead): string {
  return keys === 'bytes' ? base64(bytes) : text(bytes, 'the key')
}

function readValue(bytes: Uint8Array, { values }: HowToRead): unknown {
  if (values === 'bytes') return base64(bytes)
  if (values === 'text') return text(bytes, 'the value')
  if (values === 'json') return jsonWithWholeNumbers(text(bytes, 'the value'))
  const decoded = values.codec.decode(bytes)
  if (decoded.ok) return decoded.value
  throw decoded.error
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function text(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw new Error(`${what} is no UTF-8`, { cause: error })
  }
}

function textOrBase64(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return base64(bytes)
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
