import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Field, FieldType, TableDef } from '../../core/index.ts'
import type { CqlValue } from '../../cql-client/index.ts'
import { decodeValue, encodeValue } from '../../cql-wire/index.ts'
import { cqlTypeOf } from './cql-type.ts'
import { columnConverter } from './cql-value.ts'
import { rowReader } from './read-row.ts'

function tableOf(columns: Field[]): TableDef {
  return { kind: 'cassandra', keyspace: 'app', name: 't', schema: 'T', columns, partitionKey: ['c0'], clusteringKey: [] }
}

/** What a reader gives of a row that the sink wrote, its values as bytes in between. */
function writtenAndRead(columns: Field[], row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const values = columns.map((field): CqlValue => {
    const converted = columnConverter(field, { isKey: false })(row[field.name])
    if (!converted.ok) throw new Error(`${field.name} ${converted.problem}`)
    const type = cqlTypeOf(field.type)
    return converted.value === null ? null : decodeValue(type, encodeValue(type, converted.value))
  })
  return rowReader(tableOf(columns))(values)
}

const isoMs = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }).map((ms) => new Date(ms).toISOString())
const text = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed())

/** Values in the form in which they are told. */
function valueOf(type: FieldType): fc.Arbitrary<unknown> {
  switch (type.is) {
    case 'uuid':
      return fc.uuid()
    case 'bool':
      return fc.boolean()
    case 'int32':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : String(n)))
    case 'double':
      return fc.double({ noNaN: true })
    case 'bytes':
      return fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64'))
    case 'date':
      return isoMs.map((iso) => iso.slice(0, 10))
    case 'timestamp':
      return type.unit === 'ms' ? isoMs : isoMs.map((iso) => iso.replace('Z', '000Z'))
    case 'decimal':
      return fc.bigInt({ min: -(10n ** 12n) + 1n, max: 10n ** 12n - 1n }).map((n) => {
        const digits = String(n < 0n ? -n : n).padStart(3, '0')
        return `${n < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
      })
    case 'list':
      return fc.array(valueOf(type.of), { maxLength: 4 })
    case 'map':
      return fc.dictionary(text, valueOf(type.of), { maxKeys: 4 })
    default:
      return text
  }
}

const anyType = fc.letrec<{ type: FieldType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<FieldType>(
      ...(['text', 'uuid', 'bool', 'int32', 'int64', 'double', 'bytes', 'date'] as const).map((is) => ({ is })),
      { is: 'timestamp', unit: 'ms' },
      { is: 'timestamp', unit: 'us' },
      { is: 'decimal', precision: 12, scale: 2 },
    ),
    tie('type').map((of): FieldType => ({ is: 'list', of })),
    tie('type').map((of): FieldType => ({ is: 'map', of })),
  ),
})).type

const rows = fc.array(fc.tuple(anyType, fc.boolean()), { minLength: 1, maxLength: 6 }).chain((types) => {
  const columns = types.map(([type, nullable], i): Field => ({ name: `c${i}`, type, nullable }))
  const values = columns.map(({ type, nullable }) => (nullable ? fc.option(valueOf(type)) : valueOf(type)))
  return fc.tuple(...values).map((all) => ({ columns, row: Object.fromEntries(all.map((value, i) => [`c${i}`, value])) }))
})

test('property: a row is read as it was written, whatever its types', () => {
  fc.assert(
    fc.property(rows, ({ columns, row }) => {
      expect(writtenAndRead(columns, row)).toEqual(row)
    }),
  )
})

describe('a row is told as its shape takes it', () => {
  test.each<[string, Field, unknown, unknown]>([
    ['a bigint', { name: 'c', type: { is: 'int64' }, nullable: false, form: { number: 'bigint' } }, 5n, 5n],
    [
      'a decimal as a number',
      { name: 'c', type: { is: 'decimal', precision: 5, scale: 2 }, nullable: false, form: { number: 'number' } },
      1.5,
      1.5,
    ],
    ['a missing value', { name: 'c', type: { is: 'text' }, nullable: true, form: { absent: 'undefined' } }, undefined, undefined],
    [
      'a time to the second',
      { name: 'c', type: { is: 'timestamp', unit: 'ms' }, nullable: false, form: { fractionDigits: 0 } },
      '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00Z',
    ],
    [
      'a time in UTC',
      { name: 'c', type: { is: 'timestamp', unit: 'ms' }, nullable: false },
      '2026-01-01T02:00:00+02:00',
      '2026-01-01T00:00:00.000Z',
    ],
  ])('%s', (_what, field, written, told) => {
    expect(writtenAndRead([field], { c: written })['c']).toEqual(told)
  })

  test('the default of a column that was added after the row', () => {
    const read = rowReader(tableOf([{ name: 'c', type: { is: 'text' }, nullable: false, default: 'NO' }]))
    expect(read([null])).toEqual({ c: 'NO' })
  })

  test('digits that another writer wrote more of, or fewer', () => {
    const read = rowReader(tableOf([{ name: 'c', type: { is: 'decimal', precision: 9, scale: 2 }, nullable: false }]))
    expect([read([{ unscaled: 12_345n, scale: 3 }]), read([{ unscaled: 5n, scale: 0 }]), read([{ unscaled: 5n, scale: -1 }])]).toEqual([
      { c: '12.345' },
      { c: '5.00' },
      { c: '50.00' },
    ])
  })
})

test.each<[FieldType, CqlValue, RegExp]>([
  [{ is: 'text' }, null, /app\.t: column c of a row is null, and the schema does not allow that/],
  [{ is: 'int64' }, 'x', /column c of a row is no int64/],
  [{ is: 'timestamp', unit: 'ms' }, 2n ** 60n, /beyond the years/],
])('what the schema does not allow is refused with the column: %j %s', (type, value, message) => {
  expect(() => rowReader(tableOf([{ name: 'c', type, nullable: false }]))([value])).toThrow(message)
})
