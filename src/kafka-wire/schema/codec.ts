import type { Reader } from '../reader.ts'
import { WireError } from '../wire-error.ts'
import { Writer } from '../writer.ts'
import { defaultBody, defaultOf, type Field, type FieldShape, type Fields } from './fields.ts'
import { primitiveCodec } from './primitives.ts'

/** Reads and writes one type in one version. `minSize` is the least number of bytes a value takes. */
export interface Codec {
  readonly minSize: number
  read(reader: Reader): unknown
  write(writer: Writer, value: unknown): void
}

interface Step {
  readonly name: string
  readonly codec: Codec
  readonly makeDefault: () => unknown
}

interface TaggedStep extends Step {
  readonly tag: number
  readonly isDefault: (value: unknown) => boolean
}

/** Compiles a table of fields for one version into a codec of plain objects with every field of the table. */
export function structCodec(fields: Fields, version: number, flexible: boolean, path: string): Codec {
  const steps: Step[] = []
  const tagged: TaggedStep[] = []
  const absent: { name: string; isDefault: (value: unknown) => boolean }[] = []
  /** Fields whose default is a fresh object: those the version lacks or may leave out. */
  const fresh: { name: string; makeDefault: () => unknown }[] = []
  for (const [name, field] of Object.entries(fields)) {
    const makeDefault = () => defaultOf(field)
    const isTagged = flexible && field.options.tag !== undefined && version >= (field.options.taggedFrom ?? 0)
    const isPresent = version >= (field.options.from ?? 0) && version <= (field.options.to ?? Infinity)
    if (!isPresent || isTagged) {
      if (typeof makeDefault() === 'object' && makeDefault() !== null) fresh.push({ name, makeDefault })
    }
    if (!isPresent) {
      if (field.options.ignorable === undefined) absent.push({ name, isDefault: defaultTest(field) })
      continue
    }
    const codec = fieldCodec(field, version, flexible, `${path}.${name}`)
    if (isTagged) tagged.push({ name, codec, makeDefault, tag: field.options.tag ?? 0, isDefault: defaultTest(field) })
    else steps.push({ name, codec, makeDefault })
  }
  tagged.sort((a, b) => a.tag - b.tag)
  const template = defaultBody(fields)
  let minSize = flexible ? 1 : 0
  for (const step of steps) minSize += step.codec.minSize

  return {
    minSize,
    read(reader) {
      const body = { ...template }
      for (const { name, makeDefault } of fresh) body[name] = makeDefault()
      for (const { name, codec } of steps) body[name] = codec.read(reader)
      if (flexible) readTaggedFields(reader, tagged, body)
      return body
    },
    write(writer, value) {
      if (!isBody(value)) throw new WireError(`${path}: an object is wanted`)
      for (const { name, isDefault } of absent) {
        if (value[name] !== undefined && !isDefault(value[name]))
          throw new WireError(`${path}.${name} cannot be said in version ${version}`)
      }
      for (const { name, codec, makeDefault } of steps) codec.write(writer, value[name] === undefined ? makeDefault() : value[name])
      if (flexible) writeTaggedFields(writer, tagged, value)
    },
  }
}

/** Tagged fields (KIP-482): count, then tag, size and content of each, in ascending order of tags. Unknown ones are skipped. */
function readTaggedFields(reader: Reader, known: readonly TaggedStep[], body: Record<string, unknown>): void {
  if (known.length === 0) return reader.skipTaggedFields()
  for (let left = reader.unsignedVarint(); left > 0; left--) {
    const tag = reader.unsignedVarint()
    const end = reader.unsignedVarint() + reader.at
    if (end > reader.end) throw new WireError(`tagged field ${tag} reaches beyond the end of the frame`)
    const step = known.find((candidate) => candidate.tag === tag)
    if (step === undefined) {
      reader.take(end - reader.at)
      continue
    }
    body[step.name] = step.codec.read(reader)
    if (reader.at !== end) throw new WireError(`tagged field ${tag} (${step.name}) does not end where its size says`)
  }
}

function writeTaggedFields(writer: Writer, known: readonly TaggedStep[], body: Record<string, unknown>): void {
  const present = known.filter(({ name, isDefault }) => body[name] !== undefined && !isDefault(body[name]))
  writer.unsignedVarint(present.length)
  for (const { name, tag, codec } of present) {
    const content = new Writer()
    codec.write(content, body[name])
    writer.unsignedVarint(tag)
    writer.unsignedVarint(content.sizeBytes)
    for (const part of content.parts()) writer.raw(part)
  }
}

function fieldCodec(field: Field<unknown, unknown, boolean>, version: number, flexible: boolean, path: string): Codec {
  const { nullableFrom } = field.options
  return shapeCodec(field.shape, nullableFrom !== undefined && version >= nullableFrom, version, flexible, path)
}

function shapeCodec(shape: FieldShape, nullable: boolean, version: number, flexible: boolean, path: string): Codec {
  switch (shape.is) {
    case 'struct': {
      const codec = structCodec(shape.fields, version, flexible, path)
      return nullable ? nullableStruct(codec) : codec
    }
    case 'array':
      return arrayCodec(shapeCodec(shape.of, false, version, flexible, path), nullable, flexible, path)
    default:
      return primitiveCodec(shape.is, nullable, flexible, path)
  }
}

/** KIP-893: one byte, −1 for null and 1 for a structure that follows. */
function nullableStruct(codec: Codec): Codec {
  return {
    minSize: 1,
    read: (reader) => (reader.int8() < 0 ? null : codec.read(reader)),
    write(writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) codec.write(writer, value)
    },
  }
}

function arrayCodec(element: Codec, nullable: boolean, flexible: boolean, path: string): Codec {
  return {
    minSize: flexible ? 1 : 4,
    read(reader) {
      const length = reader.arrayLength(flexible, element.minSize)
      if (length === null) {
        if (nullable) return null
        throw new WireError(`${path} must not be null`)
      }
      const values: unknown[] = []
      for (let i = 0; i < length; i++) values.push(element.read(reader))
      return values
    },
    write(writer, value) {
      if (value === null && nullable) return writer.length(null, flexible)
      if (!Array.isArray(value)) throw new WireError(`${path}: an array is wanted`)
      writer.length(value.length, flexible)
      for (const item of value) element.write(writer, item)
    },
  }
}

/** Whether a value says no more than the field's default does. */
function defaultTest(field: Field<unknown, unknown, boolean>): (value: unknown) => boolean {
  const { shape } = field
  const expected = defaultOf(field)
  if (shape.is === 'struct' && expected !== null) return structDefaultTest(shape.fields)
  if (shape.is === 'array' && expected !== null) return (value) => Array.isArray(value) && value.length === 0
  if (shape.is === 'bytes' && expected !== null) return (value) => value instanceof Uint8Array && value.byteLength === 0
  return (value) => value === expected
}

function structDefaultTest(fields: Fields): (value: unknown) => boolean {
  const tests = Object.entries(fields).map(([name, field]) => ({ name, isDefault: defaultTest(field) }))
  return (value) => isBody(value) && tests.every(({ name, isDefault }) => value[name] === undefined || isDefault(value[name]))
}

function isBody(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
