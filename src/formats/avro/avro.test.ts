import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { AvroType } from './avro-type.ts'
import { canonicalAvro } from './canonical.ts'
import { incompatibilities } from './incompatibilities.ts'
import { parseAvro, parseAvroJson } from './parse-avro.ts'

function avro(json: Json): AvroType {
  const parsed = parseAvroJson(json)
  if (!parsed.ok) throw new Error(`${parsed.problem.path} ${parsed.problem.message}`)
  return parsed.type
}

const user = (...fields: Json[]): Json => ({ type: 'record', name: 'User', fields })
const found = (reader: Json, writer: Json): string[] =>
  incompatibilities(avro(reader), avro(writer)).map(({ type, path }) => `${type} ${path}`)

describe('a schema is refused', () => {
  it.each<[string, string, string]>([
    ['that is no JSON', '{', ''],
    ['without a type', '{}', ''],
    ['whose type nobody defined', '{"type":"array","items":"User"}', '/items'],
    ['with a field twice', JSON.stringify(user({ name: 'a', type: 'int' }, { name: 'a', type: 'int' })), '/fields/1/name'],
    ['with a name that is none', '{"type":"fixed","name":"1x","size":1}', '/name'],
    ['named like a primitive', '{"type":"fixed","name":"int","size":1}', '/name'],
    ['with a symbol twice', '{"type":"enum","name":"E","symbols":["A","A"]}', '/symbols/1'],
    ['whose enum default is no symbol', '{"type":"enum","name":"E","symbols":["A"],"default":"B"}', '/default'],
    ['with two branches of one type', '["int","int"]', '/1'],
    ['with a union in a union', '["null",["int"]]', '/1'],
    ['with a default of another type', JSON.stringify(user({ name: 'a', type: 'int', default: 'x' })), '/fields/0/default'],
    ['with an int default out of range', JSON.stringify(user({ name: 'a', type: 'int', default: 2 ** 31 })), '/fields/0/default'],
    [
      'with a type defined twice',
      '["null",{"type":"fixed","name":"F","size":1},{"type":"array","items":{"type":"fixed","name":"F","size":2}}]',
      '/2/items/name',
    ],
    ['nested too deep', `${'{"type":"array","items":'.repeat(150)}"int"${'}'.repeat(150)}`, '/items'.repeat(101)],
  ])('%s', (_, text, path) => {
    const parsed = parseAvro(text)
    expect(parsed.ok ? parsed.type : parsed.problem.path).toBe(path)
  })
})

describe('a schema is understood', () => {
  it('whose types refer to each other by short and full name, in their namespaces', () => {
    const type = avro({
      type: 'record',
      name: 'a.b.Node',
      fields: [
        { name: 'next', type: ['null', 'Node'], default: null },
        { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['X'] } },
        { name: 'other', type: { type: 'array', items: 'a.b.Kind' } },
      ],
    })
    expect(type).toMatchObject({
      name: 'a.b.Node',
      fields: [{}, { type: { name: 'a.b.Kind' } }, { type: { items: { name: 'a.b.Kind' } } }],
    })
  })

  it('whose decimal is not valid, as the plain bytes they are', () => {
    expect(avro({ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 })).toEqual({ is: 'bytes', logical: null })
  })

  it('and never anything but an answer comes of nonsense', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        parseAvro(JSON.stringify(json))
      }),
    )
  })
})

describe('incompatibilities', () => {
  const name: Json = { name: 'name', type: 'string' }

  it('none: the same schema, a field added with a default, a field taken away, a wider number, text as bytes', () => {
    expect(found(user(name), user(name))).toEqual([])
    expect(found(user(name, { name: 'age', type: ['null', 'int'], default: null }), user(name))).toEqual([])
    expect(found(user(), user(name))).toEqual([])
    expect(found('double', 'int')).toEqual([])
    expect(found('bytes', 'string')).toEqual([])
  })

  it('all at once, each with its place', () => {
    const old = user(name, { name: 'age', type: 'long' }, { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } })
    const next = user(
      { name: 'name', type: 'int' },
      { name: 'age', type: 'int' },
      { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['B'] } },
      { name: 'city', type: 'string' },
    )
    expect(found(next, old)).toEqual([
      'TYPE_MISMATCH /fields/0/type',
      'TYPE_MISMATCH /fields/1/type',
      'MISSING_ENUM_SYMBOLS /fields/2/type/symbols',
      'READER_FIELD_MISSING_DEFAULT_VALUE /fields/3',
    ])
  })

  it('say in a sentence what to do', () => {
    const [problem] = incompatibilities(avro(user(name)), avro(user()))
    expect(problem?.message).toBe(
      'field "name" of the new schema has no default and is missing in the old one, so records written with that cannot be read: give it a default, or make it optional',
    )
  })

  it('by name: another namespace is the same type, another name is not, an alias makes it one', () => {
    const fixed = (fixedName: string, more: Record<string, Json> = {}): Json => ({ type: 'fixed', name: fixedName, size: 2, ...more })
    expect(found(fixed('b.Code'), fixed('a.Code'))).toEqual([])
    expect(found(fixed('Zip'), fixed('Code'))).toEqual(['NAME_MISMATCH /name'])
    expect(found(fixed('Zip', { aliases: ['Code'] }), fixed('Code'))).toEqual([])
    expect(found({ type: 'fixed', name: 'Code', size: 3 }, fixed('Code'))).toEqual(['FIXED_SIZE_MISMATCH /size'])
  })

  it('of unions: every branch that was written needs one that reads it', () => {
    expect(found(['null', 'long'], ['null', 'int'])).toEqual([])
    expect(found(['null', 'string'], ['null', 'int', 'string'])).toEqual(['MISSING_UNION_BRANCH /1'])
    expect(found('string', ['null', 'string'])).toEqual(['TYPE_MISMATCH '])
    expect(found(['null', 'string'], 'string')).toEqual([])
    expect(found(['null', user(name)], ['null', user()])).toEqual(['READER_FIELD_MISSING_DEFAULT_VALUE /1/fields/0'])
  })

  it('of enums: a default of the reader stands for symbols it does not know', () => {
    const kind = (symbols: string[], more: Record<string, Json> = {}): Json => ({ type: 'enum', name: 'Kind', symbols, ...more })
    expect(found(kind(['A'], { default: 'A' }), kind(['A', 'B']))).toEqual([])
  })

  it('of types that contain themselves and each other come to an end', () => {
    const tree = (leaf: string): Json => ({
      type: 'record',
      name: 'A',
      fields: [
        {
          name: 'b',
          type: [
            'null',
            {
              type: 'record',
              name: 'B',
              fields: [
                { name: 'a', type: ['null', 'A'] },
                { name: 'leaf', type: leaf },
              ],
            },
          ],
        },
        { name: 'again', type: ['null', 'B', 'A'] },
      ],
    })
    expect(found(tree('long'), tree('int'))).toEqual([])
    expect(found(tree('int'), tree('long'))).toEqual(['TYPE_MISMATCH /fields/0/type/1/fields/1/type'])
  })

  it('of a type that occurs in very many places are told once, and fast', () => {
    let json: Json = { type: 'record', name: 'R0', fields: [{ name: 'x', type: 'string' }] }
    for (let at = 1; at < 60; at++)
      json = {
        type: 'record',
        name: `R${at}`,
        fields: [
          { name: 'a', type: json },
          { name: 'b', type: `R${at - 1}` },
        ],
      }
    const other: Json = JSON.parse(JSON.stringify(json).replace('"string"', '"int"'))
    expect(found(json, other)).toHaveLength(1)
  })

  it('a schema reads what it wrote itself', () => {
    const leaf = fc.constantFrom<Json>('null', 'int', 'string', 'bytes', 'double')
    const schema = fc.letrec<{ any: Json }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        leaf,
        tie('any').map((items): Json => ({ type: 'array', items })),
        tie('any').map((values): Json => ({ type: 'map', values })),
      ),
    })).any
    fc.assert(fc.property(schema, (json) => found(json, json).length === 0))
  })
})

describe('the one spelling of a schema', () => {
  it('does not depend on white space, order of attributes, or how long names are written', () => {
    const one: Json = {
      name: 'a.User',
      type: 'record',
      fields: [
        { type: { type: 'string' }, name: 'name', order: 'ascending', aliases: [] },
        { name: 'boss', type: ['null', 'a.User'] },
      ],
    }
    const other: Json = {
      type: 'record',
      namespace: 'a',
      name: 'User',
      fields: [
        { name: 'name', type: 'string' },
        { name: 'boss', type: ['null', 'User'] },
      ],
    }
    expect(canonicalAvro(one)).toBe(canonicalAvro(other))
    expect(canonicalAvro(one)).toBe(
      '{"type":"record","name":"User","namespace":"a","fields":[{"name":"name","type":"string"},{"name":"boss","type":["null","User"]}]}',
    )
  })

  it('keeps what readers need: documentation, defaults, logical types, attributes of others', () => {
    const json = user({ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, doc: 'when', default: 0, pii: true })
    expect(JSON.parse(canonicalAvro(json))).toEqual(json)
  })

  it('is its own spelling', () => {
    const json: Json = {
      type: 'record',
      name: 'x.A',
      fields: [
        { name: 'b', type: { type: 'enum', name: 'y.B', symbols: ['S'] } },
        { name: 'c', type: 'y.B' },
      ],
    }
    expect(canonicalAvro(JSON.parse(canonicalAvro(json)))).toBe(canonicalAvro(json))
  })
})
