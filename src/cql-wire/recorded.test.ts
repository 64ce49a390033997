import { describe, expect, test } from 'vitest'
import {
  compositeKey,
  decodeResponse,
  decodeValue,
  encodeResponse,
  encodeValue,
  errors,
  murmur3Token,
  readFrameHeader,
  type CqlValue,
  type Response,
} from './index.ts'
import { answers, compositeToken, tokens } from './recorded.fixture.ts'

function bytesOf(name: string): Buffer {
  return Buffer.from(answers[name] ?? '', 'hex')
}

function decode(name: string): { response: Response; warnings: string[] } {
  const bytes = bytesOf(name)
  const header = readFrameHeader(bytes, 0)
  if (!header) throw new Error(`no frame: ${name}`)
  const decoded = decodeResponse(header.version, header.opcode, bytes.subarray(9), header.flags)
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded
}

function rows(name: string): Extract<Response, { kind: 'rows' }> {
  const { response } = decode(name)
  if (response.opcode !== 'RESULT' || response.kind !== 'rows') throw new Error(`no rows: ${name}`)
  return response
}

describe('answers of Cassandra 5', () => {
  test.each(Object.keys(answers).filter((name) => name !== 'no metadata' && name !== 'use'))(
    '"%s" encodes again to the same bytes',
    (name) => {
      const { response, warnings } = decode(name)
      expect(Buffer.from(encodeResponse(4, 1, response, { warnings })).toString('hex')).toBe(answers[name])
    },
  )

  test('values of every type are read as they were written in CQL, and write themselves to the same bytes', () => {
    const { columns, rows: found } = rows('every type')
    const read: Record<string, CqlValue> = {}
    columns.forEach(({ name, type }, i) => {
      const cell = found[0]?.[i]
      if (!cell) throw new Error(`no cell ${name}`)
      read[name] = decodeValue(type, cell)
      expect(Buffer.from(encodeValue(type, read[name])).toString('hex'), name).toBe(Buffer.from(cell).toString('hex'))
    })
    expect(read).toEqual({
      k: 1,
      a: 'ascii',
      b: -9007199254740993n,
      c: Uint8Array.of(0xca, 0xfe),
      d: true,
      e: { unscaled: -12345n, scale: 3 },
      f: 1.5,
      g: -0.25,
      h: '2001:db8::1',
      i: ['x', 'yé'],
      j: [
        ['a', 1],
        ['b', -2],
      ],
      l: ['5132b130-ae79-11e4-ab27-0800200c9a66'],
      m: -300,
      n: 47_655_123_456_789n,
      o: BigInt(Date.parse('2026-11-22T22:00:00.123Z')),
      p: '5132b130-ae79-11e4-ab27-0800200c9a66',
      q: -7,
      r: [1, null],
      s: -170141183460469231731687303715884105729n,
      t: { months: -14, days: -3, nanos: -14_706_000_000_007n },
      u: -1,
      v: [1, 2, 3],
      w: ['N', Date.parse('2000-02-29') / 86_400_000],
    })
  })

  test('a duration, which v4 has no id for, is recognised by its class name', () => {
    expect(rows('every type').columns.find(({ name }) => name === 't')?.type).toEqual({ is: 'duration' })
  })

  test('rows without metadata still have their cells', () => {
    expect(rows('no metadata')).toMatchObject({ columns: [], noMetadata: true, rows: [[{ length: 4 }, { length: 8 }]] })
  })

  test('a page says how to go on', () => {
    expect(rows('first page').pagingState?.length).toBeGreaterThan(0)
    expect(rows('every type').pagingState).toBeNull()
  })

  test('a prepared insert names its bound columns and which of them are the partition key', () => {
    const { response, warnings } = decode('prepared')
    expect(response).toMatchObject({ kind: 'prepared', pkIndexes: [2, 1], columns: [] })
    expect(response.opcode === 'RESULT' && response.kind === 'prepared' && response.bound.map(({ name }) => name)).toEqual([
      'c',
      'b',
      'a',
      'v',
      '[timestamp]',
    ])
    expect(warnings[0]).toContain('anti-pattern')
  })

  test('errors carry their extra fields', () => {
    expect(decode('already exists').response).toMatchObject({
      code: errors.ALREADY_EXISTS,
      alreadyExists: { keyspace: 'rec', table: 'pair' },
    })
    expect(decode('unprepared').response).toMatchObject({ code: errors.UNPREPARED, unprepared: { id: Buffer.alloc(16, 7) } })
    expect(decode('syntax error').response).toMatchObject({ code: errors.SYNTAX_ERROR })
  })
})

describe('Murmur3Partitioner', () => {
  test.each(tokens)('token of 0x%s is %s', (key, token) => {
    expect(murmur3Token(Buffer.from(key, 'hex'))).toBe(token)
  })

  test('a compound key is the parts with lengths and end marks', () => {
    const parts = [
      encodeValue({ is: 'text' }, 'héllo'),
      encodeValue({ is: 'int' }, -5),
      encodeValue({ is: 'uuid' }, '5132b130-ae79-11e4-ab27-0800200c9a66'),
    ]
    expect(murmur3Token(compositeKey(parts))).toBe(compositeToken)
  })
})
