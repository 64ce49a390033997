import driver from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { driverTypeName } from './driver-types.ts'
import { plainValue } from './plain.ts'

const { types } = driver
const uuid = '5132b130-ae79-11e4-ab27-0800200c9a66'

describe('a value of the driver', () => {
  test.each<[string, unknown, unknown]>([
    ['uuid', types.Uuid.fromString(uuid), uuid],
    ['timeuuid', types.TimeUuid.fromString(uuid), uuid],
    ['bigint', types.Long.fromString('-9007199254740993'), '-9007199254740993'],
    ['varint', types.Integer.fromString('170141183460469231731687303715884105729'), '170141183460469231731687303715884105729'],
    ['decimal', types.BigDecimal.fromString('-12.345'), '-12.345'],
    ['timestamp', new Date('2026-11-22T22:00:00.123Z'), '2026-11-22T22:00:00.123Z'],
    ['a timestamp beyond what a Date holds', new Date(Number.NaN), null],
    ['date', types.LocalDate.fromString('1969-12-31'), '1969-12-31'],
    ['time', types.LocalTime.fromString('13:14:15.123456789'), '13:14:15.123456789'],
    ['duration', types.Duration.fromString('1y2mo3d'), '1y2mo3d'],
    ['inet', types.InetAddress.fromString('127.0.0.1'), '127.0.0.1'],
    ['blob', Buffer.from('cafe', 'hex'), '0xcafe'],
    ['tuple', new types.Tuple(1, null, types.Uuid.fromString(uuid)), [1, null, uuid]],
    ['set', new Set(['a']), ['a']],
    ['map of text', new Map([['a', types.Long.fromNumber(1)]]), { a: '1' }],
    ['map of int', new Map([[1, 'x']]), [[1, 'x']]],
    ['user type', { name: 'N', born: types.LocalDate.fromString('2000-02-29') }, { name: 'N', born: '2000-02-29' }],
    ['not a number', Number.NaN, 'NaN'],
    ['null', null, null],
  ])('%s is plain JSON', (_, value, plain) => {
    expect(plainValue(value)).toEqual(plain)
  })
})

test.each<[unknown, string]>([
  [{ code: 0x0d, info: null }, 'text'],
  [{ code: 0x20, info: { code: 0x09 } }, 'list<int>'],
  [{ code: 0x21, info: [{ code: 0x0d }, { code: 0x22, info: { code: 0x0c } }] }, 'map<text, set<uuid>>'],
  [{ code: 0x31, info: [{ code: 0x09 }, { code: 0x0d }] }, 'frozen<tuple<int, text>>'],
  [{ code: 0x30, info: { name: 'person', fields: [] } }, 'person'],
  [{ code: 0, info: 'org.apache.cassandra.db.marshal.DurationType' }, 'duration'],
  [{ code: 0, info: 'a.Class' }, "'a.Class'"],
])('the type %o of the driver is called %s', (type, name) => {
  expect(driverTypeName(type)).toBe(name)
})
