import type { Json } from '../../core/index.ts'

/** A parsed Avro schema (Avro 1.12 specification). Named types that refer to themselves make the graph cyclic. */
export type AvroType = Primitive | RecordType | EnumType | FixedType | ArrayType | MapType | UnionType

export type PrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface Primitive {
  readonly is: PrimitiveName
  readonly logical: Logical | null
}

/** Only logical types whose attributes are valid; others are ignored, as the specification asks. */
export type Logical =
  { readonly is: 'decimal'; readonly precision: number; readonly scale: number } | { readonly is: 'other'; readonly name: string }

export interface RecordType {
  readonly is: 'record'
  /** Full name: namespace and name, joined by a dot. */
  readonly name: string
  /** Full names. */
  readonly aliases: readonly string[]
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroType
  readonly hasDefault: boolean
  /** In Avro's JSON; what a writer puts where a value has no such field. Left out for bytes, whose JSON here is another. */
  readonly missing?: Json
}

export interface EnumType {
  readonly is: 'enum'
  readonly name: string
  readonly aliases: readonly string[]
  readonly symbols: readonly string[]
  readonly default: string | null
}

export interface FixedType {
  readonly is: 'fixed'
  readonly name: string
  readonly aliases: readonly string[]
  readonly sizeBytes: number
  readonly logical: Logical | null
}

export interface ArrayType {
  readonly is: 'array'
  readonly items: AvroType
}

export interface MapType {
  readonly is: 'map'
  readonly values: AvroType
}

export interface UnionType {
  readonly is: 'union'
  readonly branches: readonly AvroType[]
}

export const primitiveNames: ReadonlySet<string> = new Set<PrimitiveName>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])

/** As a person reads it in a sentence: `string`, `array of int`, `record com.acme.User`, `null or string`. */
export function describeAvro(type: AvroType): string {
  switch (type.is) {
    case 'record':
    case 'enum':
    case 'fixed':
      return `${type.is} ${type.name}`
    case 'array':
      return `array of ${describeAvro(type.items)}`
    case 'map':
      return `map of ${describeAvro(type.values)}`
    case 'union':
      return type.branches.length === 0 ? 'a union of nothing' : type.branches.map(describeAvro).join(' or ')
    default:
      return type.is
  }
}

/** The name without its namespace. */
export function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1)
}
