import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Batch, Field } from '../../core/index.ts'
import { fieldsAndValue } from './arbitraries.fixture.ts'
import { avroCodec } from './avro-codec.ts'
import { avroOfSchema } from './avro-of-schema.ts'
import type { AvroType } from './avro-type.ts'
import { parseAvro } from './parse-avro.ts'

const signal = new AbortController().signal
const never = (): Promise<never> => Promise.reject(new Error('asked for a schema that is at hand'))

function typeOf(schema: string): AvroType {
  const parsed = parseAvro(schema)
  if (!parsed.ok) throw new Error(`${parsed.problem.path} ${parsed.problem.message}`)
  return parsed.type
}

function codecOf(schema: string, fields: readonly Field[] | null = null) {
  return avroCodec({ writer: { id: 7, type: typeOf(schema) }, fields, schemaOf: never })
}

function encoded(schema: string, value: unknown): Buffer {
  const result = codecOf(schema).encode(value)
  if (!result.ok) throw result.error
  return Buffer.from(result.value)
}

function framed(...values: number[]): Buffer {
  return Buffer.from([0, 0, 0, 0, 7, ...values])
}

/** One record a value. */
function batchOf(...values: (Uint8Array | null)[]): Batch {
  let end = 0
  const at = values.flatMap((value) => (value === null ? [-1, -1] : [end, (end += value.byteLength)]))
  const count = values.length
  return {
    topic: 't',
    partition: 0,
    leaderEpoch: 0,
    bytes: Buffer.concat(values.filter((value) => value !== null)),
    count,
    keyAt: new Int32Array(2 * count),
    valueAt: Int32Array.from(at),
    offsets: new BigInt64Array(count),
    timestampMs: new Float64Array(count),
    writeMicros: new BigInt64Array(count),
    headers: () => [],
    nextOffset: 0n,
    highWatermark: 0n,
  }
}

describe('values of every field type', () => {
  it('come back as they were written, and avsc reads the same bytes and writes them again', () => {
    fc.assert(
      fc.property(fieldsAndValue, ({ fields, value }) => {
        const schema = avroOfSchema({ name: 'Any', fields })
        const bytes = encoded(schema, value)
        expect(codecOf(schema, fields).decode(bytes)).toEqual({ ok: true, value })
        // avsc loses a map's entry of that key.
        if (JSON.stringify(value).includes('"__proto__"')) return
        const theirs = avsc.Type.forSchema(JSON.parse(schema), { wrapUnions: true, noAnonymousTypes: false, typeHook: wideLongs })
        const body = bytes.subarray(5)
        expect(theirs.toBuffer(theirs.fromBuffer(body)).equals(body)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('are read where avsc wrote them', () => {
    const schema = { type: 'record', name: 'U', fields: [{ name: 'a', type: { type: 'array', items: 'string' } }, { name: 'm', type: ['null', { type: 'map', values: 'double' }] }] } as const // prettier-ignore
    fc.assert(
      fc.property(
        fc.array(fc.string()),
        fc.option(
          fc.dictionary(
            fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
            fc.double({ noNaN: true }),
          ),
        ),
        (a, m) => {
          const bytes = avsc.Type.forSchema(JSON.parse(JSON.stringify(schema))).toBuffer({ a, m })
          expect(codecOf(JSON.stringify(schema)).decode(Buffer.concat([framed(), bytes]))).toEqual({
            ok: true,
            value: { a, m: m && { ...m } },
          })
        },
      ),
    )
  })
})

/** avsc refuses longs beyond 2⁵³ unless it is given a type for them. */
const wideLongs = (schema: unknown): avsc.Type | undefined => {
  const name = typeof schema === 'string' ? schema : typeof schema === 'object' && schema !== null ? Reflect.get(schema, 'type') : null
  if (name !== 'long') return undefined
  // oxlint-disable-next-line no-underscore-dangle -- avsc's own name
  return avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(value)
      return bytes
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
  })
}

describe('a value that has no place in the schema', () => {
  const schema = avroOfSchema({
    name: 'Order',
    fields: [
      { name: 'id', type: { is: 'int32' }, nullable: false },
      { name: 'lines', type: { is: 'list', of: { is: 'struct', name: 'l', fields: [{ name: 'price', type: { is: 'decimal', precision: 4, scale: 2 }, nullable: false }] } }, nullable: false }, // prettier-ignore
    ],
  })
  it.each<[string, unknown, string]>([
    ['a missing field', { lines: [] }, 'id is missing; the schema asks for int'],
    ['a number too large', { id: 2 ** 31, lines: [] }, 'id is 2147483648, not int'],
    [
      'a decimal too precise, deep inside',
      { id: 1, lines: [{ price: '1.25' }, { price: '1.255' }] },
      'lines[1].price is "1.255", not bytes (decimal)',
    ],
    ['no object', 5, 'the value is 5, not record Order'],
    ['a text that is no UTF-8', { id: '\ud800', lines: [] }, 'id is "\\ud800", not int'],
  ])('is refused by the path of its field: %s', (_, value, message) => {
    const result = codecOf(schema).encode(value)
    expect(result.ok ? null : [result.error.code, result.error.message]).toEqual(['RECORD_INVALID', message])
  })

  it('leaves nothing behind in the next one', () => {
    const codec = codecOf(schema)
    codec.encode({ id: 1, lines: [{ price: 'x' }] })
    const next = codec.encode({ id: 1, lines: [] })
    expect(next.ok && Buffer.from(next.value)).toEqual(framed(2, 0))
  })
})

describe('bytes that are no value are told so', () => {
  const schema = avroOfSchema({ name: 'T', fields: [{ name: 'tags', type: { is: 'list', of: { is: 'text' } }, nullable: false }] })
  it.each<[string, Buffer, RegExp]>([
    ['JSON', Buffer.from('{"tags":[]}'), /does not begin with a schema id .*\(it looks like JSON\)/],
    ['too few', Buffer.from([0, 1]), /has 2 bytes, too few for Avro behind a schema id/],
    ['cut off', framed(4, 10, 97), /schema 7 says: the length of a text is 5, and there are 2 bytes left/],
    ['left over', framed(0, 1), /1 bytes are left behind the value/],
    ['a count of billions', framed(0xfe, 0xff, 0xff, 0xff, 0xff, 0x1f, 2, 97), /items are announced, and there are/],
    ['a text that is no UTF-8', framed(2, 2, 0xff, 0), /a text is not UTF-8/],
  ])('%s', (_, bytes, message) => {
    const result = codecOf(schema).decode(bytes)
    expect(result.ok ? null : [result.error.code, result.error.message]).toEqual(['RECORD_DECODE', expect.stringMatching(message)])
  })

  it('whatever they are: an answer comes, and soon', () => {
    fc.assert(
      fc.property(fieldsAndValue, fc.uint8Array({ maxLength: 200 }), ({ fields }, bytes) => {
        codecOf(avroOfSchema({ name: 'Any', fields }), fields).decode(Buffer.concat([framed(), bytes]))
      }),
      { numRuns: 500 },
    )
  })

  it('a list of nulls without an end', () => {
    const nulls = JSON.stringify({ type: 'array', items: 'null' })
    const block = Buffer.from([0x80, 0x9c, 0x01])
    expect(codecOf(nulls).decode(Buffer.concat([framed(), ...Array.from({ length: 50_000 }, () => block)]))).toMatchObject({ ok: false })
  })

  it.each([
    ['nulls', 'null'],
    ['empty records', { type: 'record', name: 'Empty', fields: [] }],
    ['fixed values of no byte', { type: 'fixed', name: 'No', size: 0 }],
  ])('lists in a list, each of thousands of %s: a kilobyte does not become millions of items', (_, items) => {
    const lists = JSON.stringify({ type: 'array', items: { type: 'array', items } })
    // 10,000 items, then the end of the inner list.
    const inner = Buffer.from([0xa0, 0x9c, 0x01, 0])
    const bytes = Buffer.concat([framed(0xa0, 0x06), ...Array.from({ length: 400 }, () => inner), Buffer.of(0)])
    expect(codecOf(lists).decode(bytes)).toMatchObject({ ok: false, error: { message: expect.stringContaining('without a byte') } })
  })

  it('one block of two thousand million nulls', () => {
    const nulls = JSON.stringify({ type: 'array', items: 'null' })
    expect(codecOf(nulls).decode(framed(0x80, 0x80, 0x80, 0x80, 0x10, 0))).toMatchObject({ ok: false })
  })
})

describe('a value of another version of the schema', () => {
  const text = { is: 'text' } as const
  const old = avroOfSchema({ name: 'User', fields: [{ name: 'id', type: text, nullable: false }, { name: 'gone', type: text, nullable: false }] }) // prettier-ignore
  const fields: Field[] = [
    { name: 'id', type: text, nullable: false },
    { name: 'country', type: text, nullable: true, form: { absent: 'undefined' } },
    { name: 'city', type: text, nullable: true },
    { name: 'kind', type: text, nullable: false, default: 'new' },
  ]
  const schemas: Record<number, string> = { 1: old }
  const asked: number[] = []
  const codec = avroCodec({
    writer: null,
    fields,
    schemaOf: (id) => {
      asked.push(id)
      const schema = schemas[id]
      return Promise.resolve(schema === undefined ? { none: `There is no schema ${id}.` } : typeOf(schema))
    },
  })
  const first = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), encoded(old, { id: 'a', gone: 'x' }).subarray(5)])

  it('has its schema fetched once, loses what is unknown and gets null or nothing for what is new', async () => {
    const batch = batchOf(first, first, null, Buffer.from('{}'))
    await codec.makeReadyFor(batch, signal)
    expect(codec.isReadyFor(batch)).toBe(true)
    expect(asked).toEqual([1])
    expect(codec.decode(first)).toEqual({ ok: true, value: { id: 'a', city: null } })
    expect(Object.keys((codec.decode(first) as { value: object }).value)).toEqual(['id', 'city'])
  })

  it('is told when the registry has no such schema', async () => {
    const unknown = Buffer.from([0, 0, 1, 0, 0, 0])
    await codec.makeReadyFor(batchOf(unknown), signal)
    expect(codec.decode(unknown)).toMatchObject({ ok: false, error: { message: 'There is no schema 65536.' } })
  })

  it('waits, and is not decided on, while the registry is away', async () => {
    const away = avroCodec({ writer: null, fields, schemaOf: () => Promise.reject(new Error('away')) })
    await expect(away.makeReadyFor(batchOf(first), signal)).rejects.toThrow('away')
    expect(away.isReadyFor(batchOf(first))).toBe(false)
  })
})

describe('the shape that reads gets the forms it takes', () => {
  const fields: Field[] = [
    { name: 'big', type: { is: 'int64' }, nullable: false, form: { number: 'bigint' } },
    { name: 'price', type: { is: 'decimal', precision: 8, scale: 2 }, nullable: true, form: { number: 'number', absent: 'undefined' } },
    { name: 'at', type: { is: 'timestamp', unit: 'ms' }, nullable: false, form: { fractionDigits: 0 } },
  ]
  it.each<[string, Record<string, unknown>]>([
    ['bigint, number, seconds', { big: 5n, price: 12.5, at: '2026-01-02T03:04:05Z' }],
    ['a missing value', { big: 2n ** 62n, at: '2026-01-02T03:04:05Z' }],
  ])('%s', (_, value) => {
    const schema = avroOfSchema({ name: 'F', fields })
    expect(codecOf(schema, fields).decode(encoded(schema, value))).toEqual({ ok: true, value })
  })
})
