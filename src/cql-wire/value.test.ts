import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyType, scalarTypes, valueOf } from './arbitraries.fixture.ts'
import {
  ByteWriter,
  checkValue,
  CqlValueError,
  decodeValue,
  encodeValue,
  formatInet,
  parseInet,
  valueWriter,
  type CqlType,
  type CqlValue,
} from './index.ts'

const typeAndValue = anyType.chain((type) => fc.tuple(fc.constant(type), valueOf(type)))

describe('values', () => {
  test('of every type come back as they were written', () => {
    fc.assert(
      fc.property(typeAndValue, ([type, value]) => {
        expect(decodeValue(type, encodeValue(type, value))).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  test.each(scalarTypes)('of type %s come back as they were written', (is) => {
    fc.assert(
      fc.property(valueOf({ is }), (value) => {
        expect(decodeValue({ is }, encodeValue({ is }, value))).toEqual(value)
      }),
    )
  })

  test('a compiled writer appends a length and the same bytes, null as length −1', () => {
    fc.assert(
      fc.property(typeAndValue, ([type, value]) => {
        const out = new ByteWriter(8)
        const write = valueWriter(type)
        write(out, value)
        write(out, null)
        const content = Buffer.from(encodeValue(type, value))
        const length = Buffer.alloc(4)
        length.writeInt32BE(content.length)
        expect(Buffer.from(out.copy())).toEqual(Buffer.concat([length, content, Buffer.from('ffffffff', 'hex')]))
      }),
    )
  })

  test('nonsense bytes are a value of the type or a CqlValueError, nothing else', () => {
    fc.assert(
      fc.property(anyType, fc.uint8Array({ maxLength: 40 }), (type, bytes) => {
        const checked = checkValue(type, bytes)
        expect(typeof checked.ok).toBe('boolean')
      }),
      { numRuns: 3000 },
    )
  })

  test.each<[CqlType, CqlValue, RegExp]>([
    [{ is: 'int' }, 2 ** 31, /int takes a whole number from -2147483648 to 2147483647/],
    [{ is: 'int' }, '5', /not this string/],
    [{ is: 'tinyint' }, 128, /-128 to 127/],
    [{ is: 'bigint' }, 2n ** 63n, /64 bits/],
    [{ is: 'uuid' }, '5132b130-ae79-11e4-ab27-0800200c9a6g', /a UUID/],
    [{ is: 'timeuuid' }, '5132b130-ae79-41e4-ab27-0800200c9a66', /version 1/],
    [{ is: 'ascii' }, 'é', /ASCII/],
    [{ is: 'inet' }, 'example.org', /an IP address/],
    [{ is: 'boolean' }, 1, /true or false/],
    [{ is: 'time' }, 86_400_000_000_000n, /midnight/],
    [{ is: 'duration' }, { months: 1, days: -1, nanos: 0n }, /same sign/],
    [{ is: 'list', of: { is: 'int' } }, [1, null], /null is not supported inside collections/],
    [{ is: 'map', key: { is: 'int' }, value: { is: 'int' } }, [[1]], /pairs/],
    [{ is: 'tuple', of: [{ is: 'int' }] }, [1, 2], /has 1 fields, the value 2/],
  ])('%o does not take %o', (type, value, message) => {
    expect(() => encodeValue(type, value)).toThrow(message)
    expect(() => encodeValue(type, value)).toThrow(CqlValueError)
  })

  test.each<[CqlType, string, string]>([
    [{ is: 'int' }, '000001', 'Expected 4 or 0 byte int (3)'],
    [{ is: 'text' }, 'ff', "String didn't validate."],
    [{ is: 'timeuuid' }, '5132b130ae7941e4ab270800200c9a66', 'Invalid version for TimeUUID type.'],
    [{ is: 'list', of: { is: 'int' } }, '0000000000', 'Unexpected extraneous bytes after list value'],
  ])('%o refuses 0x%s in the words of Cassandra', (type, hex, reason) => {
    expect(checkValue(type, Buffer.from(hex, 'hex'))).toEqual({ ok: false, reason })
  })

  test('no bytes are the empty text, and null for types that have no empty value', () => {
    expect(decodeValue({ is: 'text' }, new Uint8Array())).toBe('')
    expect(decodeValue({ is: 'int' }, new Uint8Array())).toBeNull()
  })

  test('a blob is a copy: what it was read from may be used again', () => {
    const bytes = Uint8Array.of(1, 2)
    const blob = decodeValue({ is: 'blob' }, bytes)
    bytes[0] = 9
    expect(blob).toEqual(Uint8Array.of(1, 2))
  })
})

describe('IP addresses', () => {
  test.each(['::', '::1', '1::', '1:2:3:4:5:6:7:8', '2001:db8::ff00:42:8329', '127.0.0.1', '1:0:0:2::3'])(
    '%s is read and written',
    (text) => {
      expect(formatInet(parseInet(text) ?? new Uint8Array())).toBe(text)
    },
  )

  test('an IPv4 tail is understood', () => {
    expect(formatInet(parseInet('::ffff:10.0.0.1') ?? new Uint8Array())).toBe('::ffff:a00:1')
  })

  test.each(['', '1.2.3', '1.2.3.256', ':::', '1:2:3', '1:2:3:4:5:6:7:8:9', 'g::', '1::2::3', '1.2.3.4::'])('%o is none', (text) => {
    expect(parseInet(text)).toBeNull()
  })
})
