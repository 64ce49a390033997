import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { namePattern } from './name-pattern.ts'

function matches(pattern: string, topic: string): boolean {
  const outcome = namePattern(pattern)
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome.matches(topic)
}

test('a pattern matches whole names', () => {
  expect(matches('orders.*', 'orders-eu')).toBe(true)
  expect(matches('orders', 'orders-eu')).toBe(false)
  expect(matches('^orders$', 'orders')).toBe(true)
  expect(matches('(?i)ORD\\w+', 'orders')).toBe(true)
  expect(matches('[[:alpha:]]+[^0-9a-c]\\d{2,3}', 'ab-123')).toBe(true)
  expect(matches('\\Qa.b\\E|c', 'axb')).toBe(false)
  expect(matches('\\Qa.b\\E|c', 'a.b')).toBe(true)
  expect(matches('\\pL+\\b.*', 'abc-1')).toBe(true)
  expect(matches('a{0}', '')).toBe(true)
})

test.each([
  '(',
  '[a',
  'a**',
  '*a',
  '(?=a)',
  '(?<!a)b',
  '\\1',
  'a{2,1}',
  'a{5000}',
  '[z-a]',
  '\\p{Nonsense}',
  ')',
  '[[:none:]]',
  '[[:__proto__:]]',
])('%s is refused, as RE2 does', (pattern) => {
  expect(namePattern(pattern)).toMatchObject({ ok: false })
})

test('a pattern that takes other engines for ever takes no time', () => {
  const begin = performance.now()
  expect(matches('(a|a?)+(a*)*b', 'a'.repeat(249))).toBe(false)
  expect(performance.now() - begin).toBeLessThan(500)
  expect(namePattern('((a{100}){100}){100}')).toMatchObject({ ok: false })
  expect(matches('((((){1000}){1000}){1000}){1000}', 'a')).toBe(false)
})

const pieces = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', 'a|b', '(a|bb)', '\\w', '\\d', '-')
const marks = fc.constantFrom('', '*', '+', '?', '{1,2}', '{2}', '{2,}', '*?')
const patterns = fc
  .array(fc.tuple(pieces, marks), { maxLength: 5 })
  .map((parts) => parts.map(([piece, mark]) => `(?:${piece})${mark}`).join(''))

test('whatever the pattern, it matches what other engines do', () => {
  fc.assert(
    fc.property(patterns, fc.string({ unit: fc.constantFrom('a', 'b', '-', '1'), maxLength: 8 }), (pattern, topic) => {
      expect(matches(pattern, topic)).toBe(new RegExp(`^(?:${pattern})$`).test(topic))
    }),
    { numRuns: 500 },
  )
})

test('random text is a pattern or is refused, never anything else', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 10 }), (pattern, topic) => {
      const outcome = namePattern(pattern)
      expect(outcome.ok ? typeof outcome.matches(topic) : typeof outcome.reason).toBe(outcome.ok ? 'boolean' : 'string')
    }),
    { numRuns: 1000 },
  )
})
