import type { Field } from '../../core/index.ts'
import { MillraceError, type Result } from '../../platform/index.ts'
import { framedId, framingBytes } from '../framing.ts'
import type { ValueCodec, Values } from '../value-codec.ts'
import type { AvroType } from './avro-type.ts'
import { ByteSink } from './byte-sink.ts'
import { ByteSource, Malformed } from './byte-source.ts'
import { type Decode, decoderOf } from './decode.ts'
import { encoderOf, Misfit } from './encode.ts'
import { type Project, projectionOf } from './project.ts'

export interface AvroCodecOptions {
  /** What values are written with; null: nothing is written by this codec. */
  writer: { id: number; type: AvroType } | null
  /** Of the shape that reads; null: values are given as they were written. */
  fields: readonly Field[] | null
  /**
   * The schema of an id; null: the registry has none, or one that is not Avro (the text says which). Rejects with a retriable error while
   * the registry is away.
   */
  schemaOf: (id: number, signal: AbortSignal) => Promise<AvroType | { none: string }>
}

/** A schema in use; or why values under its id cannot be read. */
type Reader = { decode: Decode; project: Project | null } | { none: string }

/** Ids come from records, which anybody may write. */
const maxReaders = 1_000

/** Avro in Confluent's framing: each value names the schema it was written with, which is resolved once. */
export function avroCodec({ writer, fields, schemaOf }: AvroCodecOptions): ValueCodec {
  const readers = new Map<number, Reader>()
  const source = new ByteSource()
  const keep = (id: number, schema: AvroType | { none: string }): void => {
    if (readers.size >= maxReaders) readers.clear()
    readers.set(id, 'none' in schema ? schema : { decode: decoderOf(schema), project: fields && projectionOf(fields, schema) })
  }
  if (writer) keep(writer.id, writer.type)
  return {
    format: 'avro',
    respelled: new Set(fields?.filter(({ type }) => type.is === 'timestamp' || type.is === 'decimal').map(({ name }) => name)),
    encode: writer === null ? refuseToEncode : encodeWith(writer),
    isReadyFor: (batch) => unknownIds(batch, readers) === null,
    makeReadyFor: async (batch, signal) => {
      await Promise.all([...(unknownIds(batch, readers) ?? [])].map(async (id) => keep(id, await schemaOf(id, signal))))
    },
    decode: (bytes) => {
      const id = framedId(bytes)
      if (id === null) return undecodable(notFramed(bytes))
      const reader = readers.get(id)
      if (reader === undefined) return undecodable(`Schema ${id} is not at hand.`)
      if ('none' in reader) return undecodable(reader.none)
      try {
        source.over(bytes, framingBytes)
        const value = reader.decode(source)
        if (source.left > 0) throw new Malformed(`${source.left} bytes are left behind the value`)
        return { ok: true, value: reader.project === null ? value : reader.project(value) }
      } catch (error) {
        if (!(error instanceof Malformed) && !(error instanceof RangeError)) throw error
        return undecodable(`The value is not what schema ${id} says: ${error.message}.`, error)
      }
    },
  }
}

function encodeWith({ id, type }: { id: number; type: AvroType }): ValueCodec['encode'] {
  const encode = encoderOf(type)
  const sink = new ByteSink()
  return (value) => {
    sink.backTo(0)
    sink.byte(0)
    sink.uint32(id)
    try {
      encode(sink, value)
      return { ok: true, value: sink.taken() }
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      const path = error.path.join('.').replaceAll('.[', '[')
      const details = { field: path }
      return { ok: false, error: new MillraceError('RECORD_INVALID', `${path || 'the value'} ${error.message}`, { details }) }
    }
  }
}

function refuseToEncode(): Result<Uint8Array> {
  return { ok: false, error: new MillraceError('INTERNAL', 'This codec reads only.') }
}

function unknownIds({ count, valueAt, bytes }: Values, readers: ReadonlyMap<number, Reader>): Set<number> | null {
  let unknown: Set<number> | null = null
  let last = -1
  for (let i = 0; i < count; i++) {
    const at = valueAt[2 * i] ?? -1
    if (at < 0 || (valueAt[2 * i + 1] ?? 0) - at < framingBytes || bytes[at] !== 0) continue
    const id = framedId(bytes.subarray(at, at + framingBytes)) ?? -1
    if (id === last || readers.has(id)) continue
    last = id
    unknown ??= new Set()
    unknown.add(id)
  }
  return unknown
}

function notFramed(bytes: Uint8Array): string {
  const begins = bytes[0] === 0x7b ? ' (it looks like JSON)' : ''
  if (bytes.byteLength < framingBytes) return `The value has ${bytes.byteLength} bytes, too few for Avro behind a schema id${begins}.`
  return `The value does not begin with a schema id (byte 0, then 4 bytes): it is not Avro as a schema registry's clients write it${begins}.`
}

function undecodable(message: string, cause?: unknown): Result<unknown> {
  return { ok: false, error: new MillraceError('RECORD_DECODE', message, cause === undefined ? {} : { cause }) }
}
