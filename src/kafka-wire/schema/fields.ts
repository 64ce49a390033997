/** The wire types of Kafka's message definitions that these messages use. */
export type Primitive = 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'int64' | 'float64' | 'string' | 'uuid' | 'bytes' | 'records'
export type FieldShape =
  { is: Primitive } | { is: 'struct'; fields: Fields } | { is: 'array'; of: { is: Primitive } | { is: 'struct'; fields: Fields } }

/** Versions are inclusive. A field without `from` and `to` is in every version of its message. */
export interface FieldOptions<T> {
  readonly from?: number
  readonly to?: number
  /** From this version on the field may be null. */
  readonly nullableFrom?: number
  /** Defaults to 0, false, '', the zero UUID, no bytes, no elements, or null for records. */
  readonly default?: T | null
  /** Leaving the field out of a version that lacks it loses nothing that matters: no error on encoding. */
  readonly ignorable?: true
  /** Number of a tagged field (KIP-482), and the version from which it is one. */
  readonly tag?: number
  readonly taggedFrom?: number
}

/** One field of a message. `Full` is what decoding yields, `Sparse` what encoding accepts, `Optional` whether encoding may go without it. */
export interface Field<Full, Sparse, Optional extends boolean> {
  readonly shape: FieldShape
  readonly options: FieldOptions<unknown>
  /** Never set: carries the types. */
  readonly types?: { full: Full; sparse: Sparse; optional: Optional }
}

export type Fields = { readonly [name: string]: Field<unknown, unknown, boolean> }

type Flatten<T> = { [K in keyof T]: T[K] }
type FullOf<F> = F extends Field<infer Full, unknown, boolean> ? Full : never
type SparseOf<F> = F extends Field<unknown, infer Sparse, boolean> ? Sparse : never
type OptionalNames<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<unknown, unknown, infer Optional> ? (Optional extends true ? K : never) : never
}[keyof F]

/** What decoding a table of fields yields: every field, at its default where the version lacks it. */
export type FullBody<F extends Fields> = { -readonly [K in keyof F]: FullOf<F[K]> }
/** What encoding a table of fields accepts: fields that are not in every version, are tagged or have a default of their own may be left out. */
export type SparseBody<F extends Fields> = Flatten<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: SparseOf<F[K]> } & { readonly [K in OptionalNames<F>]?: SparseOf<F[K]> }
>

type Null<O> = O extends { nullableFrom: number } ? null : never
type IsOptional<O> = O extends { from: number } | { to: number } | { tag: number } | { default: unknown } ? true : false
type FieldOf<Full, Sparse, O> = Field<Full | Null<O>, Sparse | Null<O>, IsOptional<O>>

function primitive<T>(is: Primitive): <const O extends FieldOptions<T> = object>(options?: O) => FieldOf<T, T, O> {
  return (options) => ({ shape: { is }, options: options ?? {} })
}

export const bool = primitive<boolean>('bool')
export const int8 = primitive<number>('int8')
export const int16 = primitive<number>('int16')
export const uint16 = primitive<number>('uint16')
export const int32 = primitive<number>('int32')
export const int64 = primitive<bigint>('int64')
export const float64 = primitive<number>('float64')
export const string = primitive<string>('string')
/** Canonical hyphenated hexadecimal. */
export const uuid = primitive<string>('uuid')
export const bytes = primitive<Uint8Array>('bytes')
/** Record batches, opaque here; always nullable. */
export const records = (options: { nullableFrom: number }): Field<Uint8Array | null, Uint8Array | null, false> => ({
  shape: { is: 'records' },
  options: { ...options, default: null },
})

export function struct<F extends Fields, const O extends FieldOptions<never> = object>(
  fields: F,
  options?: O,
): FieldOf<FullBody<F>, SparseBody<F>, O> {
  return { shape: { is: 'struct', fields }, options: options ?? {} }
}

/** An array of structures. */
export function array<F extends Fields, const O extends FieldOptions<never> = object>(
  fields: F,
  options?: O,
): FieldOf<FullBody<F>[], readonly SparseBody<F>[], O> {
  return { shape: { is: 'array', of: { is: 'struct', fields } }, options: options ?? {} }
}

interface Element {
  bool: boolean
  int8: number
  int16: number
  int32: number
  int64: bigint
  string: string
  uuid: string
  bytes: Uint8Array
}

/** An array of plain values. */
export function arrayOf<P extends keyof Element, const O extends FieldOptions<never> = object>(
  of: P,
  options?: O,
): FieldOf<Element[P][], readonly Element[P][], O> {
  return { shape: { is: 'array', of: { is: of } }, options: options ?? {} }
}

const ZERO_UUID = '00000000-0000-0000-0000-000000000000'

/** A field's value where nothing is said: a fresh one for arrays and structures. */
export function defaultOf(field: Field<unknown, unknown, boolean>): unknown {
  if (field.options.default !== undefined) return field.options.default
  switch (field.shape.is) {
    case 'bool':
      return false
    case 'int64':
      return 0n
    case 'string':
      return ''
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
      return Buffer.alloc(0)
    case 'records':
      return null
    case 'array':
      return []
    case 'struct':
      return defaultBody(field.shape.fields)
    default:
      return 0
  }
}

export function defaultBody(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, defaultOf(field)]))
}
