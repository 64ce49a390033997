import type { IncomingMessage } from 'node:http'
import { messageOf } from '../../platform/index.ts'
import { jsonWithWholeNumbers } from '../json-values.ts'
import { isObject } from '../options-reader.ts'

/** Null as soon as it grows past `maxBytes`. Rejects when the sender goes away. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes: Buffer = chunk
    sizeBytes += bytes.byteLength
    if (sizeBytes > maxBytes) return null
    chunks.push(bytes)
  }
  return Buffer.concat(chunks, sizeBytes)
}

export type BodyRecords = { ok: true; records: Record<string, unknown>[]; isList: boolean } | { ok: false; problem: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The records of a body: a JSON object, a list of them, or one a line. All or none are taken. */
export function recordsOf(body: Uint8Array, type: 'json' | 'ndjson'): BodyRecords {
  let values: unknown
  try {
    const text = utf8.decode(body)
    values = type === 'json' ? jsonWithWholeNumbers(text) : text.split('\n').filter(isFilled).map(jsonWithWholeNumbers)
  } catch (error) {
    return { ok: false, problem: `the body is no ${type === 'json' ? 'JSON' : 'list of JSON lines'}: ${messageOf(error)}` }
  }
  const list: unknown[] | null = Array.isArray(values) ? values : isObject(values) ? [values] : null
  if (list === null) return { ok: false, problem: 'the body is neither an object nor a list of objects' }
  const records: Record<string, unknown>[] = []
  for (const value of list) {
    if (!isObject(value)) return { ok: false, problem: `record ${records.length} is no object` }
    if (Object.keys(value).length === 0) return { ok: false, problem: `record ${records.length} is empty` }
    records.push(value)
  }
  return { ok: true, records, isList: Array.isArray(values) }
}

function isFilled(line: string): boolean {
  return line.trim() !== ''
}
