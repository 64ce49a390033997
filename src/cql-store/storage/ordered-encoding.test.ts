import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeValue, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import { encodeClustering, partitionOfKey, partitionPrefix, prefixLengthOf, withPlace } from './keys.ts'
import { orderingOf, type OrderedAs } from './ordered-encoding.ts'

function key(type: CqlType, value: CqlValue, descending = false): Buffer {
  return encodeClustering([{ ordering: orderingOf(type.is), descending }], [encodeValue(type, value)])
}

function sign(order: number): number {
  return Math.sign(order)
}

function follows<T extends CqlValue>(type: CqlType, values: fc.Arbitrary<T>, compare: (a: T, b: T) => number): void {
  fc.assert(
    fc.property(values, values, (a, b) => {
      expect(sign(Buffer.compare(key(type, a), key(type, b)))).toBe(sign(compare(a, b)))
      expect(sign(Buffer.compare(key(type, a, true), key(type, b, true)))).toBe(sign(compare(b, a)))
    }),
  )
}

const byNumber = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0)

describe('keys in the order of their types', () => {
  it('text as its bytes', () =>
    follows({ is: 'text' }, fc.string({ unit: 'binary' }), (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  it('int', () => follows({ is: 'int' }, fc.integer(), byNumber))
  it('bigint', () => follows({ is: 'bigint' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), byNumber))
  it('varint of any size', () => follows({ is: 'varint' }, fc.bigInt(), byNumber))
  it('double', () =>
    follows(
      { is: 'double' },
      fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
      byNumber,
    ))
  it('date', () => follows({ is: 'date' }, fc.integer({ min: -1_000_000, max: 1_000_000 }), byNumber))

  it('decimals of different scale', () => {
    const decimal = fc.record({ unscaled: fc.bigInt(-10_000n, 10_000n), scale: fc.integer({ min: -4, max: 6 }) })
    follows({ is: 'decimal' }, decimal, (a, b) =>
      byNumber(a.unscaled * 10n ** BigInt(10 - a.scale), b.unscaled * 10n ** BigInt(10 - b.scale)),
    )
  })

  it('several columns one after another, none a prefix of the next', () => {
    const orders: { ordering: OrderedAs; descending: boolean }[] = [
      { ordering: 'bytes', descending: false },
      { ordering: 'bytes', descending: true },
    ]
    const pair = fc.tuple(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ maxLength: 3 }))
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const expected = Buffer.compare(a[0], b[0]) || Buffer.compare(b[1], a[1])
        expect(sign(Buffer.compare(encodeClustering(orders, a), encodeClustering(orders, b)))).toBe(sign(expected))
      }),
    )
  })
})

describe('partition prefixes', () => {
  it('give back their token and key', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.uint8Array({ maxLength: 9 }), (token, partitionKey) => {
        const prefix = partitionPrefix(3, token, partitionKey)
        const whole = withPlace(prefix, 0x20)
        expect(prefixLengthOf(whole)).toBe(prefix.length)
        const back = partitionOfKey(whole)
        expect({ token: back.token, key: [...back.partitionKey], length: back.prefixLength }).toEqual({
          token,
          key: [...partitionKey],
          length: prefix.length,
        })
      }),
    )
  })
})
