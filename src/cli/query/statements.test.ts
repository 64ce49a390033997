import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { placeOf, pointAt, splitStatements } from './statements.ts'

const texts = (input: string): string[] => splitStatements(input).statements.map(({ text }) => text)

describe('statements of an input', () => {
  test.each([
    ['SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2']],
    ["INSERT INTO t (a) VALUES ('x;''y;'); SELECT 1;", ["INSERT INTO t (a) VALUES ('x;''y;')", 'SELECT 1']],
    ['SELECT "a;b" FROM t;', ['SELECT "a;b" FROM t']],
    ['SELECT $$ ; $$ FROM t;', ['SELECT $$ ; $$ FROM t']],
    ['-- none; here\nSELECT /* ; */ 1 // ;\n;', ['SELECT /* ; */ 1 // ;']],
    ['BEGIN BATCH INSERT 1; UPDATE 2; APPLY BATCH; SELECT 3;', ['BEGIN BATCH INSERT 1; UPDATE 2; APPLY BATCH', 'SELECT 3']],
    ['begin unlogged batch a; apply batch;', ['begin unlogged batch a; apply batch']],
    [';; ;', []],
  ])('of %j', (input, expected) => {
    expect(splitStatements(input)).toMatchObject({ rest: null })
    expect(texts(input)).toEqual(expected)
  })

  test('that is not ended waits for more, with its line', () => {
    expect(splitStatements("SELECT 1;\n\nSELECT 'a;\n").rest).toEqual({ text: "SELECT 'a;", line: 3 })
    expect(splitStatements('BEGIN BATCH a;').rest).toEqual({ text: 'BEGIN BATCH a;', line: 1 })
    expect(splitStatements('SELECT 1; -- and that is all').rest).toBeNull()
  })

  test('are the same whatever the text is, cut into lines or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("'", '"', ';', '$$', '--', '\n', ' ', 'a', '/*', '*/', 'BEGIN BATCH', 'APPLY BATCH')),
        (parts) => {
          const { statements, rest } = splitStatements(parts.join(''))
          const whole = [...statements.map(({ text }) => `${text}\n;`), ...(rest ? [rest.text] : [])].join('')
          expect(splitStatements(whole).statements.map(({ text }) => text.trimEnd())).toEqual(statements.map(({ text }) => text))
        },
      ),
    )
  })
})

describe('the place of an error', () => {
  test.each([
    ['SELEC 1', "line 1:0 no viable alternative at input 'SELEC'", '  SELEC 1\n  ^'],
    ['SELECT a\n\tFRM t', "line 2:1 mismatched input 'FRM'", '   FRM t\n   ^'],
    ['SELECT nope FROM t', 'Undefined column name nope in table ks.t', '  SELECT nope FROM t\n         ^'],
    ['SELECT a FROM ks.gone', 'unconfigured table gone', '  SELECT a FROM ks.gone\n                   ^'],
    ['SELECT a FROM none.t', 'keyspace none does not exist', '  SELECT a FROM none.t\n                ^'],
  ])('in %j is pointed at', (statement, message, pointed) => {
    const place = placeOf(statement, message)
    expect(place && pointAt(statement, place)).toBe(pointed)
  })

  test('is none where the message tells of none', () => {
    expect(placeOf('SELECT 1', 'Cannot execute this query as it might involve data filtering')).toBeNull()
  })
})
