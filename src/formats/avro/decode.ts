import { dateOfDays, jsonOfInt64, textOfDecimal, textOfInstant } from '../json-forms.ts'
import type { AvroType, FixedType, Logical, Primitive, RecordType } from './avro-type.ts'
import { type ByteSource, Malformed, maxEmptyItems } from './byte-source.ts'

export type Decode = (source: ByteSource) => unknown

/** Deeper values are refused before they exhaust the stack. */
const maxDepth = 200

/** What reads values of a type, in their JSON form: a record as an object, a union as the value of its branch. Compiled once for a schema. */
export function decoderOf(type: AvroType): Decode {
  return new Compiler().compile(type)
}

class Compiler {
  /** A type that contains itself finds its decoder here. */
  readonly #records = new Map<RecordType, { decode: Decode }>()

  compile(type: AvroType): Decode {
    switch (type.is) {
      case 'record':
        return this.#record(type)
      case 'enum': {
        const { symbols } = type
        return (source) => {
          const symbol = symbols[source.int()]
          if (symbol === undefined) throw new Malformed(`an enum has no such symbol in ${type.name}`)
          return symbol
        }
      }
      case 'fixed':
        return fixed(type)
      case 'array':
        return this.#array(type.items)
      case 'map':
        return this.#map(type.values)
      case 'union': {
        const branches = type.branches.map((branch) => this.compile(branch))
        return (source) => {
          const branch = branches[source.int()]
          if (branch === undefined) throw new Malformed(`a union has no such branch; it has ${branches.length}`)
          return branch(source)
        }
      }
      default:
        return primitive(type)
    }
  }

  #record(type: RecordType): Decode {
    const known = this.#records.get(type)
    if (known) return (source) => known.decode(source)
    const entry: { decode: Decode } = { decode: () => undefined }
    this.#records.set(type, entry)
    const fields = type.fields.map(({ name, type: fieldType }) => ({ name, decode: this.compile(fieldType) }))
    let depth = 0
    entry.decode = (source) => {
      if (++depth > maxDepth) {
        depth = 0
        throw new Malformed(`values are nested more than ${maxDepth} deep`)
      }
      const value: Record<string, unknown> = {}
      try {
        for (const { name, decode } of fields) value[name] = decode(source)
      } finally {
        depth = Math.max(0, depth - 1)
      }
      return value
    }
    return entry.decode
  }

  #array(items: AvroType): Decode {
    const decode = this.compile(items)
    return (source) => {
      const value: unknown[] = []
      for (let count = blockCount(source); count > 0; count = blockCount(source)) {
        for (let i = 0; i < count; i++) {
          const { left } = source
          value.push(decode(source))
          if (source.left === left) source.countEmptyItem()
        }
      }
      return value
    }
  }

  #map(values: AvroType): Decode {
    const decode = this.compile(values)
    return (source) => {
      const value: Record<string, unknown> = {}
      for (let count = blockCount(source); count > 0; count = blockCount(source)) {
        for (let i = 0; i < count; i++) put(value, source.text(), decode(source))
      }
      return value
    }
  }
}

/** Items of a block; a negative count is followed by the block's size in bytes. A damaged count must not become a loop without end. */
function blockCount(source: ByteSource): number {
  const count = source.long()
  if (count < 0) source.long()
  const size = count < 0 ? -Number(count) : Number(count)
  if (size > source.left && size > maxEmptyItems)
    throw new Malformed(`${size} items are announced, and there are ${source.left} bytes left`)
  return size
}

/** `__proto__` is a key like any other. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}

function primitive({ is, logical }: Primitive): Decode {
  switch (is) {
    case 'null':
      return () => null
    case 'boolean':
      return boolean
    case 'int':
      return logicalName(logical) === 'date' ? date : (source) => source.int()
    case 'long':
      return long(logicalName(logical))
    case 'float':
      return (source) => source.float()
    case 'double':
      return (source) => source.double()
    case 'string':
      return (source) => source.text()
    case 'bytes': {
      const value = bytesForm(logical)
      return (source) => value(source.bytes(source.count(source.left, 'the length of bytes')))
    }
  }
}

function boolean(source: ByteSource): boolean {
  const byte = source.byte()
  if (byte > 1) throw new Malformed(`a boolean is the byte ${byte}`)
  return byte === 1
}

function date(source: ByteSource): string {
  return dateOfDays(source.int()) ?? beyond()
}

function long(logical: string | null): Decode {
  if (logical === 'timestamp-millis') return (source) => textOfInstant({ ms: Number(source.long()), micros: 0 }, 3) ?? beyond()
  if (logical === 'timestamp-micros')
    return (source) => {
      const micros = BigInt(source.long())
      const beyondMs = ((micros % 1_000n) + 1_000n) % 1_000n
      return textOfInstant({ ms: Number((micros - beyondMs) / 1_000n), micros: Number(beyondMs) }, 6) ?? beyond()
    }
  return (source) => {
    const value = source.long()
    return typeof value === 'number' ? value : jsonOfInt64(value)
  }
}

function beyond(): never {
  throw new Malformed('a time is beyond the years 0 to 9999')
}

function fixed({ sizeBytes, logical }: FixedType): Decode {
  const value = bytesForm(logical)
  return (source) => value(source.bytes(sizeBytes))
}

function bytesForm(logical: Logical | null): (bytes: Buffer) => string {
  if (logical?.is !== 'decimal') return (bytes) => bytes.toString('base64')
  return (bytes) => {
    const unsigned = bytes.byteLength === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`)
    return textOfDecimal(BigInt.asIntN(8 * bytes.byteLength, unsigned), logical.scale)
  }
}

export function logicalName(logical: Logical | null): string | null {
  return logical?.is === 'other' ? logical.name : null
}
