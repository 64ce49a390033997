import { expect, test } from 'vitest'
import { z } from 'zod'
import { schema } from '../../authoring/index.ts'
import { definition, type SchemaDef } from '../../core/index.ts'
import { formatType } from '../../cql-client/index.ts'
import { avroOfSchema } from '../../formats/index.ts'
import { cqlTypeOf } from '../cassandra/cql-type.ts'

/** Every shape that has a stored type, in the ways it may be wrapped. */
const everything = schema('com.acme.Everything', {
  text: z.string(),
  email: z.email().meta({ pii: true, doc: 'how to reach them' }),
  uuid: z.guid(),
  bool: z.boolean().default(false),
  int32: z.int32(),
  int64: z.int(),
  bigint: z.bigint(),
  double: z.number(),
  bytes: z.base64(),
  date: z.iso.date(),
  millis: z.iso.datetime(),
  micros: z.iso.datetime({ precision: 6 }),
  decimal: z.string().meta({ decimal: { precision: 12, scale: 2 } }),
  enumeration: z.enum(['NEW', 'OLD']),
  unnameable: z.enum(['not a name', '1']),
  literal: z.literal('ONLY'),
  list: z.array(z.int32()),
  map: z.record(z.string(), z.array(z.iso.date())),
  struct: z.object({ city: z.string(), kind: z.enum(['HOME', 'WORK']), inner: z.object({ at: z.iso.datetime().optional() }) }),
  structs: z.array(z.object({ city: z.string() })),
  optional: z.string().optional(),
  nullable: z.string().nullable(),
  nullish: z.int32().nullish(),
  optional_default: z.string().default('x').optional(),
  default_text: z.string().default('x'),
  default_date: z.iso.date().default('1970-01-02'),
  default_millis: z.iso.datetime().default('1970-01-01T00:00:01.500Z'),
  default_decimal: z
    .string()
    .meta({ decimal: { precision: 5, scale: 2 } })
    .default('1.50'),
  default_bytes: z.base64().default('AP8='),
  default_list: z.array(z.iso.date()).default([]),
  default_map: z.record(z.string(), z.int()).default({ a: 1 }),
})
const def: SchemaDef = everything[definition].def

// These texts are what registries keep: an upgrade of any library that changes one changes what is registered, and must not.
test('the Avro schema of every field type', () => {
  expect(JSON.stringify(JSON.parse(avroOfSchema(def)), null, 1)).toMatchSnapshot()
})

test('the CQL type of every field type that has one', () => {
  const columns = def.fields.map(({ name, type }) => {
    try {
      return `${name} ${formatType(cqlTypeOf(type))}`
    } catch (error) {
      return `${name}: ${String(error)}`
    }
  })
  expect(columns.join('\n')).toMatchSnapshot()
})

test('how each shape is read back', () => {
  expect(def.fields.flatMap(({ name, form }) => (form ? [[name, form]] : []))).toEqual([
    ['bigint', { number: 'bigint' }],
    ['micros', { fractionDigits: 6 }],
    ['optional', { absent: 'undefined' }],
    ['optional_default', { absent: 'undefined' }],
  ])
})

test('the default of a bigint is a number in its schema, as far as numbers are exact', () => {
  const { def } = schema('Visits', { count: z.bigint().default(5n) })[definition]
  expect(def.fields).toMatchObject([{ name: 'count', type: { is: 'int64' }, default: 5, form: { number: 'bigint' } }])
  expect(JSON.parse(avroOfSchema(def))).toMatchObject({ fields: [{ name: 'count', type: 'long', default: 5 }] })
  expect(() => schema('Visits', { count: z.bigint().default(2n ** 60n) })).toThrow(/field "count" has a default that JSON cannot hold/)
})

test.each([
  [
    'a field',
    () => avroOfSchema({ name: 'U', fields: [{ name: 'first-name', type: { is: 'text' }, nullable: false }] }),
    /field "first-name" has no name in Avro/,
  ],
  ['a schema', () => avroOfSchema({ name: 'my user', fields: [] }), /its name "my user" is no name in Avro/],
  ['a type', () => schema('U', { at: z.date() }), /field "at" is a Date/],
])('%s without a mapping is an error that names it', (_, make, message) => {
  expect(make).toThrow(message)
})
