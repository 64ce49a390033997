import { Malformed, type ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { scalarByClassName, scalarById, scalarClassName, scalarId, type CqlType } from './types.ts'

const CUSTOM = 0x00
const LIST = 0x20
const MAP = 0x21
const SET = 0x22
const UDT = 0x30
const TUPLE = 0x31

/** A column's type as `[option]` (spec v4 §4.2.5.2). A type younger than `version` goes as a custom type with its class name, as Cassandra does. */
export function writeType(out: ByteWriter, version: number, type: CqlType): void {
  switch (type.is) {
    case 'list':
    case 'set':
      out.short(type.is === 'list' ? LIST : SET)
      writeType(out, version, type.of)
      break
    case 'map':
      out.short(MAP)
      writeType(out, version, type.key)
      writeType(out, version, type.value)
      break
    case 'tuple':
      out.short(TUPLE)
      out.short(type.of.length)
      for (const each of type.of) writeType(out, version, each)
      break
    case 'udt':
      out.short(UDT)
      out.string(type.keyspace)
      out.string(type.name)
      out.short(type.fields.length)
      for (const field of type.fields) {
        out.string(field.name)
        writeType(out, version, field.type)
      }
      break
    case 'custom':
      out.short(CUSTOM)
      out.string(type.className)
      break
    default: {
      const id = scalarId(type.is, version)
      out.short(id ?? CUSTOM)
      if (id === null) out.string(scalarClassName(type.is))
    }
  }
}

export function readType(from: ByteReader, depth = 0): CqlType {
  if (depth > 64) throw new Malformed('a type is nested too deeply')
  const id = from.short('a type')
  switch (id) {
    case CUSTOM: {
      const className = from.string('a class name')
      const scalar = scalarByClassName(className)
      return scalar ? { is: scalar } : { is: 'custom', className }
    }
    case LIST:
      return { is: 'list', of: readType(from, depth + 1) }
    case SET:
      return { is: 'set', of: readType(from, depth + 1) }
    case MAP:
      return { is: 'map', key: readType(from, depth + 1), value: readType(from, depth + 1) }
    case TUPLE: {
      const count = from.count(from.short('a tuple'), 2, 'types')
      const of: CqlType[] = []
      for (let i = 0; i < count; i++) of.push(readType(from, depth + 1))
      return { is: 'tuple', of }
    }
    case UDT: {
      const keyspace = from.string()
      const name = from.string()
      const count = from.count(from.short('a user type'), 4, 'fields')
      const fields: { name: string; type: CqlType }[] = []
      for (let i = 0; i < count; i++) fields.push({ name: from.string(), type: readType(from, depth + 1) })
      return { is: 'udt', keyspace, name, fields }
    }
    default: {
      const scalar = scalarById(id)
      if (!scalar) throw new Malformed(`type 0x${id.toString(16)} is not known`)
      return { is: scalar }
    }
  }
}
