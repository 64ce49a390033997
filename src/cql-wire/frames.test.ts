import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyType } from './arbitraries.fixture.ts'
import {
  consistencies,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  errors,
  formatType,
  opcodes,
  parseType,
  readFrameHeader,
  UNSET,
  type BoundValue,
  type ColumnSpec,
  type QueryParameters,
  type Request,
  type Response,
} from './index.ts'
import { answers } from './recorded.fixture.ts'

const bytes = fc.uint8Array({ maxLength: 20 }).map((each) => Buffer.from(each))
const maybeBytes: fc.Arbitrary<Uint8Array | null> = fc.option(bytes)
const short = fc.nat(0xffff)
const consistency = fc.constantFrom(...Object.values(consistencies))
const int = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const text = fc.string({ unit: 'binary' })
const micros = fc.option(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }))
const bound: fc.Arbitrary<BoundValue> = fc.oneof(bytes, fc.constant(null), fc.constant(UNSET))

const parameters: fc.Arbitrary<QueryParameters> = fc
  .record({
    consistency,
    values: fc.array(bound, { maxLength: 5 }),
    named: fc.boolean(),
    skipMetadata: fc.boolean(),
    pageSize: fc.option(int.filter((size) => size !== 0)),
    pagingState: fc.option(bytes),
    serialConsistency: fc.option(consistency),
    timestampMicros: micros,
  })
  .map(({ named, ...rest }) => ({ ...rest, names: named && rest.values.length > 0 ? rest.values.map((_, i) => `n${i}`) : null }))

const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ opcode: fc.constant('STARTUP' as const), options: fc.array(fc.tuple(text, text)).map((entries) => new Map(entries)) }),
  fc.record({ opcode: fc.constant('OPTIONS' as const) }),
  fc.record({ opcode: fc.constant('QUERY' as const), query: text, parameters }),
  fc.record({ opcode: fc.constant('PREPARE' as const), query: text }),
  fc.record({ opcode: fc.constant('EXECUTE' as const), preparedId: bytes, parameters }),
  fc.record({
    opcode: fc.constant('BATCH' as const),
    type: fc.constantFrom('logged' as const, 'unlogged' as const, 'counter' as const),
    statements: fc.array(
      fc.oneof(
        fc.record({ query: text, values: fc.array(bound, { maxLength: 3 }) }),
        fc.record({ preparedId: bytes, values: fc.array(bound, { maxLength: 3 }) }),
      ),
    ),
    consistency,
    serialConsistency: fc.option(consistency),
    timestampMicros: micros,
  }),
  fc.record({ opcode: fc.constant('REGISTER' as const), events: fc.array(text) }),
  fc.record({ opcode: fc.constant('AUTH_RESPONSE' as const), token: fc.option(bytes) }),
)

const column: fc.Arbitrary<ColumnSpec> = fc.record({
  keyspace: fc.constantFrom('a', 'b'),
  table: fc.constantFrom('t', 'u'),
  name: text,
  type: anyType,
})

const rows: fc.Arbitrary<Response> = fc.array(column, { minLength: 1, maxLength: 4 }).chain((columns) =>
  fc.record({
    opcode: fc.constant('RESULT' as const),
    kind: fc.constant('rows' as const),
    columns: fc.constant(columns),
    rows: fc.array(fc.array(fc.option(bytes), { minLength: columns.length, maxLength: columns.length }), { maxLength: 5 }),
    pagingState: maybeBytes,
    noMetadata: fc.constant(false),
  }),
)

const errorResponse: fc.Arbitrary<Response> = fc
  .record({
    code: fc.constantFrom(...Object.values(errors)),
    message: text,
    a: short,
    b: int,
    c: int,
    word: text,
    flag: fc.boolean(),
    id: bytes,
  })
  .map(({ code, message, a, b, c, word, flag, id }) => {
    const replicas = { consistency: a, received: b, blockFor: c }
    const extra = {
      [errors.UNAVAILABLE]: { unavailable: { consistency: a, required: b, alive: c } },
      [errors.WRITE_TIMEOUT]: { writeTimeout: { ...replicas, writeType: word } },
      [errors.READ_TIMEOUT]: { readTimeout: { ...replicas, dataPresent: flag } },
      [errors.READ_FAILURE]: { readFailure: { ...replicas, failures: 0, dataPresent: flag } },
      [errors.WRITE_FAILURE]: { writeFailure: { ...replicas, failures: 0, writeType: word } },
      [errors.CAS_WRITE_UNKNOWN]: { writeTimeout: { ...replicas, writeType: 'CAS' } },
      [errors.FUNCTION_FAILURE]: { functionFailure: { keyspace: word, function: word, argumentTypes: [word, ''] } },
      [errors.ALREADY_EXISTS]: { alreadyExists: { keyspace: word, table: '' } },
      [errors.UNPREPARED]: { unprepared: { id } },
    }
    return { opcode: 'ERROR' as const, code, message, ...Object.entries(extra).find(([key]) => Number(key) === code)?.[1] }
  })

const schemaChange = fc
  .record({
    change: fc.constantFrom('CREATED' as const, 'UPDATED' as const, 'DROPPED' as const),
    keyspace: text,
    name: text,
    list: fc.array(text),
  })
  .chain(({ change, keyspace, name, list }) =>
    fc.constantFrom(
      { change, target: 'KEYSPACE' as const, keyspace, name: null },
      { change, target: 'TABLE' as const, keyspace, name },
      { change, target: 'FUNCTION' as const, keyspace, name, argumentTypes: list },
    ),
  )

const response: fc.Arbitrary<Response> = fc.oneof(
  rows,
  errorResponse,
  fc.constantFrom<Response>({ opcode: 'READY' }, { opcode: 'RESULT', kind: 'void' }),
  text.map((className): Response => ({ opcode: 'AUTHENTICATE', className })),
  fc.array(fc.tuple(text, fc.array(text))).map((entries): Response => ({ opcode: 'SUPPORTED', options: new Map(entries) })),
  text.map((keyspace): Response => ({ opcode: 'RESULT', kind: 'setKeyspace', keyspace })),
  schemaChange.map((change): Response => ({ opcode: 'RESULT', kind: 'schemaChange', ...change })),
  schemaChange.map((change): Response => ({ opcode: 'EVENT', event: 'SCHEMA_CHANGE', ...change })),
  fc.record({
    opcode: fc.constant('EVENT' as const),
    event: fc.constantFrom('TOPOLOGY_CHANGE' as const, 'STATUS_CHANGE' as const),
    change: text,
    address: fc.ipV4(),
    port: int,
  }),
  fc.record({ opcode: fc.constantFrom('AUTH_CHALLENGE' as const, 'AUTH_SUCCESS' as const), token: fc.option(bytes) }),
  fc.record({
    opcode: fc.constant('RESULT' as const),
    kind: fc.constant('prepared' as const),
    id: bytes,
    bound: fc.array(column, { maxLength: 4 }),
    pkIndexes: fc.array(short, { maxLength: 3 }),
    columns: fc.array(column, { maxLength: 4 }),
  }),
)

/** A v3 frame has no unset, no key positions; v5 prepared results and EXECUTE carry one more id. */
function asSeenBy(version: number, response: Response): Response {
  if (response.opcode !== 'RESULT' || response.kind !== 'prepared') return response
  return { ...response, ...(version < 4 ? { pkIndexes: [] } : {}), ...(version >= 5 ? { resultMetadataId: response.id } : {}) }
}

const sinceVersion: Readonly<Record<number, number>> = {
  [errors.READ_FAILURE]: 4,
  [errors.WRITE_FAILURE]: 4,
  [errors.FUNCTION_FAILURE]: 4,
  [errors.CAS_WRITE_UNKNOWN]: 5,
}
const isKnownIn = (version: number, code: number): boolean => (sinceVersion[code] ?? 3) <= version

describe('frames', () => {
  test.each([4, 5])('requests of v%d come back as they were written', (version) => {
    fc.assert(
      fc.property(request, fc.nat(0x7fff), (sent, stream) => {
        const frame = encodeRequest(version, stream, sent)
        const header = readFrameHeader(frame, 0)
        expect(header).toEqual({ version, isResponse: false, flags: 0, stream, opcode: opcodes[sent.opcode], length: frame.length - 9 })
        const expected = version >= 5 && sent.opcode === 'EXECUTE' ? { ...sent, resultMetadataId: Buffer.alloc(0) } : sent
        expect(decodeRequest(version, opcodes[sent.opcode], frame.subarray(9))).toEqual({ ok: true, request: expected })
      }),
    )
  })

  test.each([3, 4, 5])('responses of v%d come back as they were written', (version) => {
    fc.assert(
      fc.property(response, fc.integer({ min: -1, max: 0x7fff }), (sent, stream) => {
        fc.pre(sent.opcode !== 'ERROR' || isKnownIn(version, sent.code))
        const frame = encodeResponse(version, stream, sent)
        const header = readFrameHeader(frame, 0)
        expect(header).toMatchObject({ version, isResponse: true, stream, length: frame.length - 9 })
        expect(decodeResponse(version, opcodes[sent.opcode], frame.subarray(9), header?.flags)).toEqual({
          ok: true,
          response: asSeenBy(version, sent),
          warnings: [],
          tracingId: null,
        })
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    [3, errors.READ_FAILURE, errors.READ_TIMEOUT],
    [3, errors.WRITE_FAILURE, errors.WRITE_TIMEOUT],
    [3, errors.FUNCTION_FAILURE, errors.INVALID],
    [4, errors.CAS_WRITE_UNKNOWN, errors.WRITE_TIMEOUT],
  ])('v%d is told of 0x%x, which it does not know, as 0x%x', (version, code, told) => {
    const frame = encodeResponse(version, 1, { opcode: 'ERROR', code, message: 'why' })
    expect(decodeResponse(version, opcodes.ERROR, frame.subarray(9))).toMatchObject({ ok: true, response: { code: told, message: 'why' } })
  })

  test('warnings and a tracing id travel beside the answer; v3 has no warnings', () => {
    const tracingId = Buffer.alloc(16, 5)
    const frame = encodeResponse(4, 1, { opcode: 'RESULT', kind: 'void' }, { warnings: ['slow'], tracingId })
    expect(decodeResponse(4, opcodes.RESULT, frame.subarray(9), frame[1])).toMatchObject({ warnings: ['slow'], tracingId })
    expect(encodeResponse(3, 1, { opcode: 'READY' }, { warnings: ['slow'] })[1]).toBe(0)
  })

  test('a v3 null is any negative length, a v4 length below −2 is refused', () => {
    const frame = Buffer.from(encodeRequest(4, 0, { opcode: 'QUERY', query: '', parameters: { ...plain, values: [UNSET] } })).subarray(9)
    expect(decodeRequest(3, opcodes.QUERY, frame)).toMatchObject({ ok: true, request: { parameters: { values: [null] } } })
    frame.writeInt32BE(-3, frame.length - 4)
    expect(decodeRequest(4, opcodes.QUERY, frame)).toEqual({ ok: false, reason: 'Invalid ByteBuf length -3' })
  })

  test('a custom payload before a request is passed over, compression is refused', () => {
    const body = Buffer.from('0001000161000000027a7a', 'hex')
    expect(decodeRequest(4, opcodes.OPTIONS, body, 0x04)).toEqual({ ok: true, request: { opcode: 'OPTIONS' } })
    expect(decodeRequest(4, opcodes.OPTIONS, body, 0x01)).toMatchObject({ ok: false })
  })

  test('fewer than nine bytes are no header yet', () => {
    expect(readFrameHeader(new Uint8Array(12), 4)).toBeNull()
  })
})

const plain: QueryParameters = {
  consistency: 1,
  values: [],
  names: null,
  skipMetadata: false,
  pageSize: null,
  pagingState: null,
  serialConsistency: null,
  timestampMicros: null,
}

describe('nonsense', () => {
  const opcode = fc.nat(0x12)
  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(3, 4, 5, 66), opcode, fc.uint8Array({ maxLength: 80 }), fc.nat(0xff), (version, op, body, flags) => {
        expect(typeof decodeRequest(version, op, body, flags).ok).toBe('boolean')
        expect(typeof decodeResponse(version, op, body, flags).ok).toBe('boolean')
      }),
      { numRuns: 5000 },
    )
  })

  test('frames with a few bytes changed or cut off never throw', () => {
    const recorded = Object.values(answers).map((hex) => Buffer.from(hex, 'hex'))
    const sample = fc.oneof(
      fc.constantFrom(...recorded),
      request.map((each) => encodeRequest(4, 1, each)),
      response.map((each) => encodeResponse(4, 1, each)),
    )
    const change = fc.tuple(fc.nat(300), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff))
    fc.assert(
      fc.property(sample, fc.array(change, { maxLength: 4 }), fc.nat(300), (frame, changes, cut) => {
        const body = Buffer.from(frame.subarray(9, Math.max(9, frame.length - (cut > 200 ? cut - 200 : 0))))
        for (const [at, value] of changes) if (at < body.length) body[at] = value
        const op = frame[4] ?? 0
        expect(typeof decodeRequest(4, op, body).ok).toBe('boolean')
        expect(typeof decodeResponse(4, op, body, frame[1]).ok).toBe('boolean')
      }),
      { numRuns: 3000 },
    )
  })

  test('a billion rows of no columns and types nested without end are refused at once', () => {
    expect(decodeResponse(4, opcodes.RESULT, Buffer.from('0000000200000004000000007fffffff', 'hex'))).toMatchObject({ ok: false })
    const nested = Buffer.concat([Buffer.from('00000002000000000000000100000000000000', 'hex'), Buffer.alloc(200_000, '0020', 'hex')])
    expect(decodeResponse(4, opcodes.RESULT, nested)).toMatchObject({ ok: false })
  })
})

describe('types', () => {
  test('are read as they are written', () => {
    const named = anyType.filter((type) => !JSON.stringify(type).includes("'") && !JSON.stringify(type).includes('"udt"'))
    fc.assert(
      fc.property(named, (type) => {
        expect(formatType(parseType(formatType(type)) ?? { is: 'custom', className: 'none' })).toBe(formatType(type))
      }),
    )
  })

  test.each([
    ['map<text, frozen<list<int>>>', 'map<text, frozen<list<int>>>'],
    ['varchar', 'text'],
    ['frozen<tuple<int,text>>', 'frozen<tuple<int, text>>'],
    ['list<map<uuid,blob>>', 'list<map<uuid, blob>>'],
    ["'org.example.Type'", "'org.example.Type'"],
  ])('%s is %s', (written, formatted) => {
    const type = parseType(written)
    expect(type && formatType(type)).toBe(formatted)
  })

  test.each(['', 'nix', 'list', 'list<', 'list<int', 'map<int>', 'int>', 'list<int,int>', 'constructor'])('%o is none', (written) => {
    expect(parseType(written)).toBeNull()
  })

  test('a user type is asked for by its name', () => {
    expect(parseType('frozen<person>', (name) => ({ is: 'udt', keyspace: 'k', name, fields: [] }))).toMatchObject({
      name: 'person',
      frozen: true,
    })
  })
})
