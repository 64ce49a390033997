import * as fc from 'fast-check'
import { defaultOf, type Field, type Fields, type FieldShape } from '../../src/kafka-wire/schema/fields.ts'

/** Bodies of a message in one version: fields the version lacks are at their defaults, so that decoding yields what was encoded. */
export function arbitraryBody(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([name, field]) => [name, arbitraryField(field, version)] as const)
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true })
}

function arbitraryField(field: Field<unknown, unknown, boolean>, version: number): fc.Arbitrary<unknown> {
  const { options, shape } = field
  if (version < (options.from ?? 0) || version > (options.to ?? Infinity)) return fc.constant(null).map(() => defaultOf(field))
  const values = arbitraryShape(shape, version)
  const isNullable = options.nullableFrom !== undefined && version >= options.nullableFrom
  const withDefault = fc.oneof({ weight: 4, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null).map(() => defaultOf(field)) })
  if (isNullable) return fc.oneof({ weight: 4, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null) })
  return options.default === null ? values : withDefault
}

function arbitraryShape(shape: FieldShape, version: number): fc.Arbitrary<unknown> {
  switch (shape.is) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -128, max: 127 })
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 })
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 })
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 12 })
    case 'uuid':
      return fc.uuid()
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
    case 'array':
      return fc.array(arbitraryShape(shape.of, version), { maxLength: 3 })
    default:
      return arbitraryBody(shape.fields, version)
  }
}
