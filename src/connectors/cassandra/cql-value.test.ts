import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FieldType } from '../../core/index.ts'
import type { CqlValue } from '../../cql-client/index.ts'
import { rowEncoder } from '../../cql-client/index.ts'
import { ByteWriter } from '../../cql-wire/index.ts'
import { cqlTypeOf } from './cql-type.ts'
import { columnConverter } from './cql-value.ts'

function convert(type: FieldType, value: unknown, nullable = false) {
  return columnConverter({ name: 'c', type, nullable }, { isKey: false })(value)
}

const text: FieldType = { is: 'text' }
const ms: FieldType = { is: 'timestamp', unit: 'ms' }
const us: FieldType = { is: 'timestamp', unit: 'us' }
const money: FieldType = { is: 'decimal', precision: 6, scale: 2 }

test.each<[FieldType, unknown, CqlValue]>([
  [text, 'ä', 'ä'],
  [{ is: 'uuid' }, '0460FBDC-1fba-4dcf-9c9a-ae30b1bc84f7', '0460fbdc-1fba-4dcf-9c9a-ae30b1bc84f7'],
  [{ is: 'bool' }, false, false],
  [{ is: 'int32' }, -(2 ** 31), -(2 ** 31)],
  [{ is: 'int64' }, '-9223372036854775808', -(2n ** 63n)],
  [{ is: 'int64' }, 5, 5n],
  [{ is: 'double' }, 0.5, 0.5],
  [{ is: 'date' }, '1969-12-31', -1],
  [{ is: 'date' }, '2024-02-29', 19_782],
  [ms, '1970-01-01T00:00:01.234567Z', 1234n],
  [ms, '1970-01-01T02:00:00+02:00', 0n],
  [us, '1970-01-01T00:00:01.234000Z', 1234n],
  [money, '-12.30', { unscaled: -1230n, scale: 2 }],
  [money, 7, { unscaled: 700n, scale: 2 }],
  [{ is: 'enum', symbols: ['a'] }, 'a', 'a'],
  [{ is: 'list', of: { is: 'date' } }, ['1970-01-02'], [1]],
  [{ is: 'map', of: { is: 'int64' } }, { a: 1 }, [['a', 1n]]],
])('%j takes %j', (type, value, expected) => {
  expect(convert(type, value)).toEqual({ ok: true, value: expected })
})

test.each<[FieldType, unknown]>([
  [text, 5],
  [text, '\ud800'],
  [{ is: 'uuid' }, 'x'],
  [{ is: 'int32' }, 2 ** 31],
  [{ is: 'int32' }, 1.5],
  [{ is: 'int64' }, '9223372036854775808'],
  [{ is: 'int64' }, 2 ** 60],
  [{ is: 'bytes' }, '???'],
  [{ is: 'date' }, '2026-02-30'],
  [ms, '2026-01-01'],
  [ms, '2026-02-30T00:00:00Z'],
  [ms, '2026-01-01T00:00:00'],
  [us, '2026-01-01T00:00:00.000001Z'],
  [money, '1.234'],
  [money, '12345.00'],
  [{ is: 'enum', symbols: ['a'] }, 'b'],
  [{ is: 'list', of: text }, ['a', null]],
  [{ is: 'map', of: text }, ['a']],
])('%j refuses %j', (type, value) => {
  expect(convert(type, value)).toMatchObject({ ok: false })
})

test('a missing value is the default, else null where that is allowed', () => {
  expect(convert(text, undefined, true)).toEqual({ ok: true, value: null })
  expect(convert(text, null, false)).toMatchObject({ ok: false })
  const withDefault = columnConverter({ name: 'c', type: text, nullable: false, default: 'x' }, { isKey: false })
  expect(withDefault(undefined)).toEqual({ ok: true, value: 'x' })
  const key = columnConverter({ name: 'c', type: text, nullable: true }, { isKey: true })
  expect(key(null)).toMatchObject({ ok: false })
})

const anyType = fc.letrec<{ type: FieldType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<FieldType>(
      text,
      ms,
      us,
      money,
      ...(['uuid', 'bool', 'int32', 'int64', 'double', 'bytes', 'date'] as const).map((is) => ({ is })),
    ),
    tie('type').map((of): FieldType => ({ is: 'list', of })),
    tie('type').map((of): FieldType => ({ is: 'map', of })),
  ),
})).type

test('whatever JSON comes: it is refused, or the writer can encode what it was made into', () => {
  fc.assert(
    fc.property(anyType, fc.jsonValue(), (type, value) => {
      const converted = convert(type, value)
      if (converted.ok) rowEncoder([{ name: 'c', type: cqlTypeOf(type) }])(new ByteWriter(64), [converted.value])
    }),
    { numRuns: 500 },
  )
})

test('a struct has no column type', () => {
  expect(() => cqlTypeOf({ is: 'struct', name: 'Address', fields: [] })).toThrow(/struct Address has no column type/)
})
