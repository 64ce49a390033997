import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CqlType, CqlValue } from '../../cql-client/index.ts'
import { createRowFile, fileFormats, formatOf, readRowFile, type FileColumn, type FileFormat } from './row-file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'table-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const int = (bits: number): fc.Arbitrary<number> => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const sign = fc.constantFrom(1, -1)
const v4 = fc.uuid({ version: 4 })
const scalars: [CqlType, fc.Arbitrary<CqlValue>][] = [
  [{ is: 'text' }, text],
  [{ is: 'ascii' }, fc.string({ unit: 'grapheme-ascii', maxLength: 12 })],
  [{ is: 'int' }, int(32)],
  [{ is: 'smallint' }, int(16)],
  [{ is: 'tinyint' }, int(8)],
  [{ is: 'bigint' }, long],
  [{ is: 'varint' }, fc.bigInt()],
  [{ is: 'float' }, fc.float()],
  [{ is: 'double' }, fc.double()],
  [{ is: 'decimal' }, fc.record({ unscaled: fc.bigInt(), scale: fc.integer({ min: -200, max: 200 }) })],
  [{ is: 'boolean' }, fc.boolean()],
  [{ is: 'uuid' }, v4],
  [{ is: 'timestamp' }, fc.oneof(long, fc.bigInt({ min: -(2n ** 43n), max: 2n ** 43n }))],
  [{ is: 'date' }, fc.oneof(int(32), int(22))],
  [{ is: 'time' }, fc.bigInt({ min: 0n, max: 86_399_999_999_999n })],
  [
    { is: 'duration' },
    fc
      .tuple(sign, fc.nat(1_000), fc.nat(1_000), fc.nat())
      .map(([by, months, days, nanos]) => ({ months: by * months || 0, days: by * days || 0, nanos: BigInt(by) * BigInt(nanos) })),
  ],
  [{ is: 'inet' }, fc.ipV4()],
  [{ is: 'blob' }, fc.uint8Array({ maxLength: 8 })],
]

const keyTypes = scalars.filter(([{ is }]) =>
  ['text', 'ascii', 'int', 'bigint', 'uuid', 'timestamp', 'date', 'boolean', 'inet'].includes(is),
)

const column: fc.Arbitrary<[CqlType, fc.Arbitrary<CqlValue>]> = fc.letrec<{ type: [CqlType, fc.Arbitrary<CqlValue>] }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom(...scalars) },
    tie('type').chain(([of, value]) =>
      fc
        .constantFrom('list' as const, 'set' as const)
        .map((is): [CqlType, fc.Arbitrary<CqlValue>] => [{ is, of, frozen: true }, fc.array(value, { maxLength: 4 })]),
    ),
    fc.tuple(fc.constantFrom(...keyTypes), tie('type')).map(([[key, keys], [value, values]]): [CqlType, fc.Arbitrary<CqlValue>] => [
      { is: 'map', key, value, frozen: true },
      fc.uniqueArray(fc.tuple(keys, values), {
        maxLength: 4,
        selector: ([each]) => (typeof each === 'object' ? 'null' : String(each)),
        comparator: 'IsStrictlyEqual',
      }),
    ]),
    fc
      .array(tie('type'), { minLength: 1, maxLength: 3 })
      .map((parts): [CqlType, fc.Arbitrary<CqlValue>] => [
        { is: 'tuple', of: parts.map(([type]) => type) },
        fc.tuple(...parts.map(([, value]) => fc.option(value))),
      ]),
  ),
})).type

const tables = fc.array(column, { minLength: 1, maxLength: 4 }).chain((columns) => {
  const row = fc.tuple(fc.integer({ min: 0, max: 9 }), ...columns.map(([, value]) => fc.option(value)))
  const id: FileColumn = { name: 'id', type: { is: 'int' } }
  return fc.record({
    columns: fc.constant([id, ...columns.map(([type], i): FileColumn => ({ name: `c "${i}", x`, type }))]),
    rows: fc.array(row, { maxLength: 6 }),
  })
})

async function read(path: string, format: FileFormat, columns: readonly FileColumn[]): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const entry of readRowFile(path, format, () => columns)) found.push('row' in entry ? entry.row : entry.error)
  return found
}

/** A map has no order of its own, and where it is JSON, names that look like integers come first. */
function unordered(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const parts = value.map(unordered)
  const isMap = parts.length > 0 && parts.every((part) => Array.isArray(part) && part.length === 2)
  return isMap ? parts.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1)) : parts
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}

describe('a file of rows', () => {
  it.each(fileFormats)('of %s gives back what was written, whatever the types', async (format) => {
    const path = join(folder, `rows.${format}`)
    await fc.assert(
      fc.asyncProperty(tables, async ({ columns, rows }) => {
        const file = await createRowFile(path, format, columns)
        file.write(rows)
        file.end()
        expect(unordered(await read(path, format, columns))).toEqual(unordered(rows))
      }),
      { numRuns: 150 },
    )
  })

  it.each(['csv', 'ndjson'] as const)('of %s is refused a row at a time, each with its line', async (format) => {
    const path = join(folder, `rows.${format}`)
    const lines = { csv: 'a,b\n1,x\nz,"y\ny"\n3\n4,w\n', ndjson: '{"a":1,"b":"x"}\n{"a":"z","b":"y"}\n[]\n{"a":4,"b":"w"}\n' }
    writeFileSync(path, lines[format])
    const columns: FileColumn[] = [
      { name: 'a', type: { is: 'int' } },
      { name: 'b', type: { is: 'text' } },
    ]
    const found = []
    for await (const entry of readRowFile(path, format, () => columns)) found.push(entry)
    const wrong = format === 'csv' ? 'there are 1 cells where the header has 2 names' : 'this line is no JSON object'
    expect(found.map((entry) => ('row' in entry ? entry.row : entry.error))).toEqual([[1, 'x'], 'column a: "z" is no int', wrong, [4, 'w']])
    expect(found.map(({ at }) => at)).toEqual(format === 'csv' ? [2, 3, 5, 6] : [1, 2, 3, 4])
  })

  it('of CSV is what cqlsh reads: names first, collections as CQL, nothing for null', async () => {
    const path = join(folder, 'rows.csv')
    const columns: FileColumn[] = [
      { name: 'id', type: { is: 'int' } },
      { name: 'at', type: { is: 'timestamp' } },
      { name: 'tags', type: { is: 'set', of: { is: 'text' } } },
      { name: 'none', type: { is: 'text' } },
    ]
    const file = await createRowFile(path, formatOf(path, undefined), columns)
    file.write([[1, 1_577_836_800_123n, ["it's", 'b'], null]])
    file.end()
    expect(readFileSync(path, 'utf8')).toBe(`id,at,tags,none\n1,2020-01-01 00:00:00.123+0000,"{'it''s', 'b'}",\n`)
  })

  it('refuses a JSON number that is more than such a number holds exactly, and takes it as text', async () => {
    const path = join(folder, 'longs.ndjson')
    writeFileSync(path, '{"n":9007199254740993}\n{"n":"9007199254740993"}\n{"n":9007199254740991}\n')
    const found = await read(path, 'ndjson', [{ name: 'n', type: { is: 'bigint' } }])
    expect(found).toEqual([expect.stringContaining('in quotes'), [9007199254740993n], [9007199254740991n]])
  })

  it('of Parquet is refused a row at a time too, where a collection is no JSON', async () => {
    const path = join(folder, 'rows.parquet')
    const file = await createRowFile(path, 'parquet', [{ name: 'm', type: { is: 'text' } }])
    file.write([['no map'], ['{"a":1}']])
    file.end()
    const m: CqlType = { is: 'map', key: { is: 'text' }, value: { is: 'int' }, frozen: false }
    expect(await read(path, 'parquet', [{ name: 'm', type: m }])).toEqual([expect.stringContaining('is no map'), [[['a', 1]]]])
  })
})
