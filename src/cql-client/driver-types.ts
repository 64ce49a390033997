import { formatType, scalarById, scalarByClassName, type CqlType } from '../cql-wire/index.ts'

const LIST = 0x20
const MAP = 0x21
const SET = 0x22
const UDT = 0x30
const TUPLE = 0x31

/** The name of a column's type, from the driver's `{ code, info }`, written as everywhere else in Millrace. */
export function driverTypeName(type: unknown): string {
  return formatType(driverType(type))
}

function driverType(type: unknown): CqlType {
  if (!isObject(type) || !('code' in type) || typeof type.code !== 'number') return { is: 'custom', className: '' }
  const info: unknown = 'info' in type ? type.info : null
  switch (type.code) {
    case LIST:
      return { is: 'list', of: driverType(info) }
    case SET:
      return { is: 'set', of: driverType(info) }
    case MAP: {
      const [key, value]: unknown[] = Array.isArray(info) ? info : []
      return { is: 'map', key: driverType(key), value: driverType(value) }
    }
    case TUPLE:
      return { is: 'tuple', of: Array.isArray(info) ? info.map(driverType) : [] }
    case UDT: {
      const name = isObject(info) && 'name' in info && typeof info.name === 'string' ? info.name : ''
      return { is: 'udt', keyspace: '', name, fields: [] }
    }
    default: {
      const className = typeof info === 'string' ? info : ''
      const scalar = scalarById(type.code) ?? scalarByClassName(className)
      return scalar ? { is: scalar } : { is: 'custom', className }
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
