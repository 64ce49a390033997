import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CqlRefusal } from '../refusal.ts'
import { parseStatement } from './index.ts'

function refusalOf(text: string): { code: number; message: string } {
  try {
    parseStatement(text)
  } catch (error) {
    if (error instanceof CqlRefusal) return { code: error.response.code, message: error.message }
    throw error
  }
  throw new Error(`${text} was accepted`)
}

describe('parsing CQL', () => {
  it('reads every clause of a SELECT', () => {
    const { statement, binds } = parseStatement(
      `SELECT a, count(*) AS n, writetime(b) FROM ks."T" WHERE a = ? AND b IN (1, 2) AND token(a) > :start ORDER BY b DESC PER PARTITION LIMIT 2 LIMIT 10 ALLOW FILTERING;`,
    )
    expect(statement).toMatchObject({
      is: 'select',
      table: { keyspace: 'ks', name: 'T' },
      columns: [{ alias: null }, { alias: 'n', selection: { is: 'count' } }, { selection: { is: 'call', name: 'writetime' } }],
      where: [{ is: 'compare', op: '=' }, { is: 'in' }, { is: 'token', op: '>' }],
      orderBy: [{ column: 'b', descending: true }],
      allowFiltering: true,
    })
    expect(binds).toEqual([null, 'start'])
  })

  it('reads literals of all kinds', () => {
    const { statement } = parseStatement(
      `INSERT INTO t (a) VALUES ({'k': [1, -2.5, 0xcafe, true, null, 5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52, 1h30m, 'it''s', (1, 'x'), {1, 2}]})`,
    )
    const items = statement.is === 'insert' && statement.values[0]?.is === 'map' ? statement.values[0].entries[0]?.[1] : null
    expect(items).toMatchObject({
      is: 'list',
      items: [
        { kind: 'integer', text: '1' },
        { kind: 'float', text: '-2.5' },
        { kind: 'blob', text: '0xcafe' },
        { kind: 'boolean' },
        { kind: 'null' },
        { kind: 'uuid' },
        { kind: 'duration', text: '1h30m' },
        { kind: 'string', text: "it's" },
        { is: 'tuple' },
        { is: 'set' },
      ],
    })
  })

  it('skips comments and takes statements over several lines', () => {
    expect(parseStatement('-- first\nSELECT * /* all */ FROM t // end').statement.is).toBe('select')
  })

  it('says where a statement is wrong', () => {
    expect(refusalOf('SELEC * FROM t')).toEqual({ code: 0x2000, message: "line 1:0 no viable alternative at input 'SELEC'" })
    expect(refusalOf('SELECT *\n  FORM t').message).toBe("line 2:2 mismatched input 'FORM' expecting K_FROM")
    expect(refusalOf('SELECT * FROM').message).toBe("line 1:13 no viable alternative at input '<EOF>'")
    expect(refusalOf('SELECT * FROM t WHERE select = 1').message).toMatch(/^line 1:22/)
  })

  it.each([
    ['CREATE TRIGGER t ON x USING y', 'trigger'],
    ['CREATE MATERIALIZED VIEW v AS SELECT * FROM t', 'materialized view'],
    ['CREATE TYPE x (a int)', 'user-defined type'],
    ['GRANT ALL ON t TO u', 'GRANT'],
    ['ALTER TABLE t ALTER a TYPE int', 'changing the type'],
  ])('refuses %s by name', (text, feature) => {
    expect(refusalOf(text)).toEqual({ code: 0x2200, message: expect.stringContaining(feature) })
  })

  it('never fails with anything but a refusal, whatever the text', () => {
    const words = fc.constantFrom('select', 'from', 't', 'where', 'a', '=', '?', '(', ')', ',', "'x'", '1', '{', '}', '[', ']', 'constructor', 'insert', 'into', 'values', 'create', 'table', 'primary', 'key', '<', ':', 'and', 'with', 'token', '-') // prettier-ignore
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((list) => list.join(' ')),
        ),
        (text) => {
          try {
            parseStatement(text)
          } catch (error) {
            expect(error).toBeInstanceOf(CqlRefusal)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('bounds how deep a tree of operators gets', () => {
    const sum = Array.from({ length: 100_000 }, () => '1').join('+')
    for (const text of [`SELECT ${sum} FROM t`, `INSERT INTO t (a) VALUES (${sum})`, `SELECT ${sum.replaceAll('1', 'v')} FROM t`])
      expect(refusalOf(text)).toEqual({ code: 0x2000, message: expect.stringContaining('operators') })
  })

  it('refuses terms nested without end instead of exhausting the stack', () => {
    expect(refusalOf(`INSERT INTO t (a) VALUES (${'['.repeat(100_000)}`).message).toContain('nested too deeply')
  })
})
