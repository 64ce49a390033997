import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrayOf, type PgArray } from './array-text.ts'
import { pageStatement, queriedPage } from './page-query.ts'
import { readerOf } from './values.ts'

const field = (name: string, dataTypeID = 25) => ({
  name,
  dataTypeID,
  tableID: 0,
  columnID: 0,
  dataTypeSize: 0,
  dataTypeModifier: 0,
  format: 'text',
})
const rowsOf = (...ns: (string | null)[]) => ({ fields: [field('n', 23)], rows: ns.map((n) => [n]) })

test('a page is the rows behind the last one, by all columns of the cursor', () => {
  expect(pageStatement('SELECT * FROM t -- all', ['at', 'i"d'], ['2026-01-01 00:00:00+00', '7'], 100)).toEqual({
    text: 'SELECT * FROM (\nSELECT * FROM t -- all\n) AS page WHERE (page."at", page."i""d") > ($1, $2) ORDER BY page."at", page."i""d" LIMIT 101',
    values: ['2026-01-01 00:00:00+00', '7'],
  })
  expect(pageStatement('SELECT 1 AS n', ['n'], null, 5)).toEqual({
    text: 'SELECT * FROM (\nSELECT 1 AS n\n) AS page ORDER BY page."n" LIMIT 6',
    values: [],
  })
})

test('one row more than fits says that there is a further page', () => {
  expect(queriedPage(rowsOf('1', '2'), ['n'], 2)).toEqual({ ok: true, records: [{ n: 1 }, { n: 2 }], after: ['2'], isFull: false })
  expect(queriedPage(rowsOf('1', '2', '3'), ['n'], 2)).toEqual({ ok: true, records: [{ n: 1 }, { n: 2 }], after: ['2'], isFull: true })
  expect(queriedPage(rowsOf(), ['n'], 2)).toEqual({ ok: true, records: [], after: null, isFull: false })
})

test('rows with one value of the cursor are never parted', () => {
  expect(queriedPage(rowsOf('1', '2', '2'), ['n'], 2)).toMatchObject({ records: [{ n: 1 }], after: ['1'], isFull: true })
  expect(queriedPage(rowsOf('2', '2', '2'), ['n'], 2)).toEqual({
    ok: false,
    problem: 'more than 2 rows have the same n (2): name a further column in cursor, so that each row has its own, or make batch larger',
  })
})

test.each([
  [{ fields: [field('a')], rows: [] }, 'the query has no column "n"; it has a'],
  [{ fields: [field('n'), field('n')], rows: [] }, 'the query has two columns "n": name one of them otherwise'],
  [rowsOf('1', null), 'a row has no value in n: leave such rows out in the query'],
])('what the author has to mend is told: %#', (answer, problem) => {
  expect(queriedPage(answer, ['n'], 2)).toEqual({ ok: false, problem })
})

test.each<[string, number, string, unknown]>([
  ['bool', 16, 't', true],
  ['bytea', 17, String.raw`\x00ff`, 'AP8='],
  ['int8 that a double holds', 20, '-9007199254740991', -9007199254740991],
  ['int8 that no double holds', 20, '9223372036854775807', '9223372036854775807'],
  ['int2', 21, '-3', -3],
  ['jsonb', 3802, '{"a": [1, 12345678901234567890]}', { a: [1, '12345678901234567890'] }],
  ['float8', 701, '0.1', 0.1],
  ['float8 that is no number', 701, 'NaN', 'NaN'],
  ['numeric', 1700, '12345678901234567890.1200', '12345678901234567890.1200'],
  ['timestamptz', 1184, '2026-01-02 03:04:05.678901+00', '2026-01-02T03:04:05.678901Z'],
  ['timestamptz that never comes', 1184, 'infinity', 'infinity'],
  ['timestamp', 1114, '2026-01-02 03:04:05', '2026-01-02T03:04:05'],
  ['date', 1082, '2026-01-02', '2026-01-02'],
  ['int4[]', 1007, '{1,NULL,{2,3}}', [1, null, [2, 3]]],
  ['text[] with bounds', 1009, '[0:1]={a,"b,\\"}"}', ['a', 'b,"}']],
  ['an array of a type of its own', 90_000, '{a,b}', '{a,b}'],
])('%s comes in the JSON form of its field type', (_what, oid, text, value) => {
  expect(readerOf(oid)(text)).toEqual(value)
})

const { array } = fc.letrec<{ array: PgArray }>((tie) => ({
  array: fc.array(fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.string(), fc.constant(null), tie('array')), { maxLength: 4 }),
}))
test('arrays come back as they were written', () => {
  const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
  const write = (entries: PgArray): string =>
    `{${entries.map((entry) => (entry === null ? 'NULL' : typeof entry === 'string' ? quoted(entry) : write(entry))).join(',')}}`
  fc.assert(
    fc.property(array, (entries) => {
      expect(arrayOf(write(entries))).toEqual(entries)
    }),
  )
})

test('what is no array is told', () => {
  expect(() => arrayOf('a')).toThrow('"a" is no array of PostgreSQL')
  expect(() => arrayOf('{a')).toThrow('is no array of PostgreSQL')
})
