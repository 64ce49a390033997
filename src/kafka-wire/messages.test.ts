import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apis, Reader, WireError, Writer, type Message } from './index.ts'
import { arbitraryBody } from '../../test/harness/arbitrary-body.ts'

const messages: Message<unknown>[] = [...apis.values()].flatMap((api) => [api.request, api.response])
const everyVersion = messages.flatMap((message) => {
  const [min, max] = message.versions
  return Array.from({ length: max - min + 1 }, (_, i) => ({ message, name: message.name, version: min + i }))
})

describe.each(everyVersion)('$name version $version', ({ message, version }) => {
  const bodies = arbitraryBody(message.fields, version)

  test('comes back as it was sent, to the last byte', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const writer = new Writer()
        message.writeTo(writer, version, body)
        const bytes = writer.whole()
        expect(bytes.byteLength).toBe(writer.sizeBytes)
        const reader = new Reader(bytes)
        expect(message.readFrom(reader, version)).toEqual(body)
        expect(reader.left).toBe(0)
      }),
      { numRuns: 15 },
    )
  })

  test('is refused, not misread, when it is cut short', () => {
    fc.assert(
      fc.property(bodies, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (body, share) => {
        const bytes = message.encode(version, body)
        if (bytes.byteLength > 0)
          expect(message.decode(version, bytes.subarray(0, Math.floor(bytes.byteLength * share)))).toMatchObject({ ok: false })
      }),
      { numRuns: 8 },
    )
  })

  test('damaged in some bytes, is read or refused with a reason, and reading it again gives the same', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (body, damages) => {
        const bytes = Buffer.from(message.encode(version, body))
        for (const [at, value] of damages) if (bytes.byteLength > 0) bytes[at % bytes.byteLength] = value
        expect(message.decode(version, bytes)).toEqual(message.decode(version, bytes))
      }),
      { numRuns: 8 },
    )
  })
})

test('random bytes are read or refused by every message, never anything else', () => {
  fc.assert(
    fc.property(fc.constantFrom(...everyVersion), fc.uint8Array({ maxLength: 200 }), ({ message, version }, bytes) => {
      const result = message.decode(version, bytes)
      if (!result.ok) expect(result.reason).not.toBe('')
    }),
    { numRuns: 5000 },
  )
})

test('a version that a message does not have is refused in both directions', () => {
  for (const message of messages) {
    const [min, max] = message.versions
    for (const version of [min - 1, max + 1, 0.5]) {
      expect(message.decode(version, new Uint8Array(100))).toMatchObject({ ok: false })
      expect(() => message.encode(version, {})).toThrow(WireError)
    }
  }
})
