import { bytesOfBase64, daysOfDate, instantOfText, int64Of, unscaledOf } from '../json-forms.ts'
import { type AvroType, describeAvro, type FixedType, type Logical, type Primitive, type RecordType, type UnionType } from './avro-type.ts'
import type { ByteSink } from './byte-sink.ts'
import { logicalName } from './decode.ts'

export type Encode = (sink: ByteSink, value: unknown) => void

/** Why a value has no place in the schema, and where; never leaves `formats`. */
export class Misfit extends Error {
  /** From the outermost field inwards. */
  readonly path: string[] = []
}

/** What writes values, given in their JSON form, as a type says. Compiled once for a schema; throws `Misfit`. */
export function encoderOf(type: AvroType): Encode {
  return new Compiler().compile(type)
}

class Compiler {
  readonly #records = new Map<RecordType, { encode: Encode }>()

  compile(type: AvroType): Encode {
    switch (type.is) {
      case 'record':
        return this.#record(type)
      case 'enum': {
        const indexes = new Map(type.symbols.map((symbol, index) => [symbol, index]))
        return (sink, value) => sink.small((typeof value === 'string' ? indexes.get(value) : undefined) ?? misfit(value, type))
      }
      case 'fixed':
        return fixed(type)
      case 'array': {
        const items = this.compile(type.items)
        return (sink, value) => {
          if (!Array.isArray(value)) return misfit(value, type)
          if (value.length > 0) sink.small(value.length)
          for (const [i, item] of value.entries()) within(`[${i}]`, items, sink, item)
          sink.small(0)
        }
      }
      case 'map': {
        const values = this.compile(type.values)
        return (sink, value) => {
          if (!isObject(value)) return misfit(value, type)
          const entries = Object.entries(value)
          if (entries.length > 0) sink.small(entries.length)
          for (const [key, entry] of entries) {
            sink.text(wellFormed(key, type))
            within(key, values, sink, entry)
          }
          sink.small(0)
        }
      }
      case 'union':
        return this.#union(type)
      default:
        return primitive(type)
    }
  }

  #record(type: RecordType): Encode {
    const known = this.#records.get(type)
    if (known) return (sink, value) => known.encode(sink, value)
    const entry: { encode: Encode } = { encode: (_, value) => misfit(value, type) }
    this.#records.set(type, entry)
    const fields = type.fields.map((field) => ({ ...field, encode: this.compile(field.type) }))
    entry.encode = (sink, value) => {
      if (!isObject(value)) return misfit(value, type)
      for (const { name, encode, missing } of fields) {
        const given = value[name]
        within(name, encode, sink, given === undefined ? missing : given)
      }
    }
    return entry.encode
  }

  /** The first branch that takes the value; null's for a value that is missing. */
  #union(type: UnionType): Encode {
    const nothing = type.branches.findIndex(({ is }) => is === 'null')
    const branches = type.branches.flatMap((branch, index) => (index === nothing ? [] : [{ index, encode: this.compile(branch) }]))
    const [only] = branches
    return (sink, value) => {
      if (value === null || value === undefined) return sink.small(nothing >= 0 ? nothing : misfit(value, type))
      if (only && branches.length === 1) {
        sink.small(only.index)
        return only.encode(sink, value)
      }
      const from = sink.at
      for (const { index, encode } of branches) {
        try {
          sink.small(index)
          return encode(sink, value)
        } catch (error) {
          if (!(error instanceof Misfit)) throw error
          sink.backTo(from)
        }
      }
      return misfit(value, type)
    }
  }
}

function within(name: string, encode: Encode, sink: ByteSink, value: unknown): void {
  try {
    encode(sink, value)
  } catch (error) {
    if (error instanceof Misfit) error.path.unshift(name)
    throw error
  }
}

function primitive(type: Primitive): Encode {
  switch (type.is) {
    case 'null':
      return (_, value) => (value === null || value === undefined ? undefined : misfit(value, type))
    case 'boolean':
      return (sink, value) => sink.byte(typeof value === 'boolean' ? Number(value) : misfit(value, type))
    case 'int':
      return int(type)
    case 'long':
      return long(type)
    case 'float':
      return (sink, value) => sink.float(typeof value === 'number' ? value : misfit(value, type))
    case 'double':
      return (sink, value) => sink.double(typeof value === 'number' ? value : misfit(value, type))
    case 'string':
      return (sink, value) => sink.text(wellFormed(value, type))
    case 'bytes': {
      const bytesOf = bytesForm(type)
      return (sink, value) => {
        const bytes = bytesOf(value)
        sink.small(bytes.byteLength)
        sink.bytes(bytes)
      }
    }
  }
}

function int(type: Primitive): Encode {
  const isDate = logicalName(type.logical) === 'date'
  return (sink, value) => {
    const given = isDate && typeof value === 'string' ? daysOfDate(value) : value
    if (typeof given !== 'number' || !Number.isInteger(given) || given < -(2 ** 31) || given >= 2 ** 31) return misfit(value, type)
    sink.long(BigInt(given))
  }
}

function long(type: Primitive): Encode {
  const logical = logicalName(type.logical)
  const perMs = logical === 'timestamp-millis' ? 1n : logical === 'timestamp-micros' ? 1_000n : null
  if (perMs === null) return (sink, value) => sink.long(int64Of(value) ?? misfit(value, type))
  return (sink, value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return sink.long(BigInt(value))
    const { ms, micros } = instantOfText(value) ?? misfit(value, type)
    sink.long(BigInt(ms) * perMs + (perMs === 1n ? 0n : BigInt(micros)))
  }
}

function fixed(type: FixedType): Encode {
  const bytesOf = bytesForm(type)
  return (sink, value) => {
    const bytes = bytesOf(value)
    sink.bytes(bytes.byteLength === type.sizeBytes ? bytes : misfit(value, type))
  }
}

function bytesForm(type: (Primitive | FixedType) & { logical: Logical | null }): (value: unknown) => Uint8Array {
  const { logical } = type
  const sizeBytes = type.is === 'fixed' ? type.sizeBytes : null
  if (logical?.is !== 'decimal') return (value) => bytesOfBase64(value) ?? misfit(value, type)
  return (value) => decimalBytes(unscaledOf(value, logical.precision, logical.scale) ?? misfit(value, type), sizeBytes)
}

/** Two's complement, highest byte first; as few bytes as hold it, or just so many. */
export function decimalBytes(unscaled: bigint, sizeBytes: number | null): Buffer {
  let least = 1
  while (BigInt.asIntN(8 * least, unscaled) !== unscaled) least++
  const size = sizeBytes ?? least
  const hex = BigInt.asUintN(8 * size, unscaled).toString(16)
  return Buffer.from(hex.padStart(2 * size, '0'), 'hex')
}

function wellFormed(value: unknown, type: AvroType): string {
  // A lone surrogate has no UTF-8: it would be stored as another text than was given.
  return typeof value === 'string' && value.isWellFormed() ? value : misfit(value, type)
}

function misfit(value: unknown, type: AvroType): never {
  if (value === undefined) throw new Misfit(`is missing; the schema asks for ${describeAvro(type)}`)
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? typeof value)
  const logical = 'logical' in type && type.logical ? ` (${type.logical.is === 'decimal' ? 'decimal' : type.logical.name})` : ''
  throw new Misfit(`is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}, not ${describeAvro(type)}${logical}`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
