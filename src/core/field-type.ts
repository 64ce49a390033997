import type { Json } from './json.ts'

/**
 * The frozen type of a field. Validators, Avro, JSON Schema, Protobuf, CQL, SQL and Spark types are all derived from it,
 * so it must not depend on the version of any library.
 *
 * JSON values: text, uuid (canonical hex), enum, date (`YYYY-MM-DD`), timestamp (ISO 8601 with zone), decimal and bytes
 * (base64) are strings; int32 and double numbers; int64 a number when safe, else a decimal string.
 */
export type FieldType =
  | { is: 'text' | 'uuid' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes' | 'date' }
  | { is: 'timestamp'; unit: 'ms' | 'us' }
  | { is: 'decimal'; precision: number; scale: number }
  | { is: 'enum'; symbols: string[] }
  | { is: 'list' | 'map'; of: FieldType }
  | { is: 'struct'; name: string; fields: Field[] }

export interface Field {
  name: string
  type: FieldType
  nullable: boolean
  default?: Json
  /** Masked for viewers everywhere. */
  pii?: true
  doc?: string
  form?: FieldForm
}

/** How the author's shape takes what has several spellings in JavaScript; how the field is stored does not depend on it. */
export interface FieldForm {
  /** The shape takes a missing value, not null (`.optional()`). */
  absent?: 'undefined'
  /** `z.bigint()` for an int64, `z.number()` for a decimal; left out: as `FieldType` says. */
  number?: 'bigint' | 'number'
  /** Digits after the second that a timestamp's text has to have; −1: none, and no seconds either. */
  fractionDigits?: number
}

/** The type as a person writes it: `text`, `list<int32>`, `decimal(10,2)`. */
export function describeType(type: FieldType): string {
  switch (type.is) {
    case 'timestamp':
      return `timestamp(${type.unit})`
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'enum':
      return `enum(${type.symbols.join('|')})`
    case 'list':
    case 'map':
      return `${type.is}<${describeType(type.of)}>`
    case 'struct':
      return `struct ${type.name}`
    default:
      return type.is
  }
}
