import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

const id = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'.split('')), { minLength: digits, maxLength: digits })
    .map((each) => each.join(''))
    .filter((text) => !/^0+$/.test(text))

test('what is written is read again', () => {
  fc.assert(
    fc.property(id(32), id(16), fc.boolean(), (traceId, spanId, isSampled) => {
      const context = { traceId, spanId, isSampled }
      expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
    }),
  )
})

test('whatever is sent, reading it never throws, and what is read is valid', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}(-\w*)?$/)), (text) => {
      const context = parseTraceparent(text)
      if (context !== null) expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
    }),
  )
})

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

// The examples of the standard, https://www.w3.org/TR/trace-context/#traceparent-header, and what it calls invalid.
test.each([
  [`00-${traceId}-${spanId}-01`, { traceId, spanId, isSampled: true }],
  [`00-${traceId}-${spanId}-00`, { traceId, spanId, isSampled: false }],
  // Flags that are not known yet are left alone.
  [`00-${traceId}-${spanId}-fe`, { traceId, spanId, isSampled: false }],
  // A later version may have more.
  [`cc-${traceId}-${spanId}-01-what-the-future-brings`, { traceId, spanId, isSampled: true }],
  [`cc-${traceId}-${spanId}-01.more`, null],
  [`00-${traceId}-${spanId}-01-more`, null],
  [`ff-${traceId}-${spanId}-01`, null],
  [`00-${'0'.repeat(32)}-${spanId}-01`, null],
  [`00-${traceId}-${'0'.repeat(16)}-01`, null],
  [`00-${traceId.toUpperCase()}-${spanId}-01`, null],
  [`00-${traceId}-${spanId}-1`, null],
  ['', null],
  [null, null],
  [undefined, null],
])('%s', (text, context) => {
  expect(parseTraceparent(text)).toEqual(context)
})
