import { WireError } from '../wire-error.ts'
import type { Codec } from './codec.ts'
import type { Primitive } from './fields.ts'

/** The codec of one plain type; `path` is for messages only. */
export function primitiveCodec(is: Primitive, nullable: boolean, flexible: boolean, path: string): Codec {
  switch (is) {
    case 'bool':
      return {
        minSize: 1,
        read: (reader) => reader.boolean(),
        write: (writer, value) => (typeof value === 'boolean' ? writer.boolean(value) : wrong(path, 'boolean')),
      }
    case 'int8':
      return { minSize: 1, read: (reader) => reader.int8(), write: (writer, value) => writer.int8(integer(value, 8, path)) }
    case 'int16':
      return { minSize: 2, read: (reader) => reader.int16(), write: (writer, value) => writer.int16(integer(value, 16, path)) }
    case 'uint16':
      return { minSize: 2, read: (reader) => reader.uint16(), write: (writer, value) => writer.uint16(unsigned16(value, path)) }
    case 'int32':
      return { minSize: 4, read: (reader) => reader.int32(), write: (writer, value) => writer.int32(integer(value, 32, path)) }
    case 'int64':
      return {
        minSize: 8,
        read: (reader) => reader.int64(),
        write: (writer, value) => (typeof value === 'bigint' ? writer.int64(value) : wrong(path, 'bigint')),
      }
    case 'float64':
      return {
        minSize: 8,
        read: (reader) => reader.float64(),
        write: (writer, value) => (typeof value === 'number' ? writer.float64(value) : wrong(path, 'number')),
      }
    case 'uuid':
      return {
        minSize: 16,
        read: (reader) => reader.uuid(),
        write: (writer, value) => (typeof value === 'string' ? writer.uuid(value) : wrong(path, 'string')),
      }
    case 'string':
      return stringCodec(nullable, flexible, path)
    default:
      return bytesCodec(nullable, flexible, path)
  }
}

function stringCodec(nullable: boolean, flexible: boolean, path: string): Codec {
  return {
    minSize: flexible ? 1 : 2,
    read(reader) {
      const value = reader.string(flexible)
      if (value === null && !nullable) throw new WireError(`${path} must not be null`)
      return value
    },
    write(writer, value) {
      if (typeof value === 'string' || (value === null && nullable)) writer.string(value, flexible)
      else wrong(path, 'string')
    },
  }
}

function bytesCodec(nullable: boolean, flexible: boolean, path: string): Codec {
  return {
    minSize: flexible ? 1 : 4,
    read(reader) {
      const value = reader.bytes(flexible)
      if (value === null && !nullable) throw new WireError(`${path} must not be null`)
      return value
    },
    write(writer, value) {
      if (value instanceof Uint8Array || (value === null && nullable)) writer.bytes(value, flexible)
      else wrong(path, 'Uint8Array')
    },
  }
}

/** A number that fits; DataView would wrap another one in silence. */
function integer(value: unknown, bits: 8 | 16 | 32, path: string): number {
  const limit = 2 ** (bits - 1)
  if (typeof value === 'number' && Number.isInteger(value) && value >= -limit && value < limit) return value
  return wrong(path, `int${bits}`)
}

function unsigned16(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 16 ? value : wrong(path, 'uint16')
}

function wrong(path: string, wanted: string): never {
  throw new WireError(`${path}: a value of type ${wanted} is wanted`)
}
