import { getEventListeners } from 'node:events'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openHttpPoll } from './open.ts'
import { resolveHttpPoll } from './options.ts'
import { linkTarget } from './link-header.ts'
import { requestJson } from './request.ts'
import { retryAfterMs } from './retry-after.ts'
import { jumpingClock } from './scripted-server.ts'
import { MillraceError } from '../../platform/index.ts'

const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string().map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(`{"results":[${text}]}`)),
  fc.record({ results: fc.jsonValue(), error: fc.jsonValue() }, { requiredKeys: [] }).map((value) => Buffer.from(JSON.stringify(value))),
)
const anyStatus = fc.constantFrom(200, 200, 200, 201, 301, 400, 404, 429, 500, 599)
const anyHeaders = fc.dictionary(
  fc.constantFrom('content-type', 'retry-after', 'link'),
  fc.oneof(fc.constantFrom('text/html', 'application/json', '3', '<x>; rel=next'), fc.stringMatching(/^[ -~]{0,30}$/)),
)

function answering(body: Uint8Array, status: number, headers: Record<string, string>): typeof fetch {
  return () => Promise.resolve(new Response(Uint8Array.from(body), { status, headers }))
}

test('whatever a server answers is a value or a reason, never an exception', async () => {
  await fc.assert(
    fc.asyncProperty(anyBody, anyStatus, anyHeaders, async (body, status, headers) => {
      const world = { clock: jumpingClock(), random: () => 0, fetch: answering(body, status, headers) }
      const request = { url: new URL('http://x/'), headers: {}, timeoutMs: 1000, maxBodyBytes: 150 }
      const answer = await requestJson(world, request, new AbortController().signal)
      if (!answer.ok) expect(answer.reason).not.toBe('')
      else expect(status).toBeLessThan(300)
    }),
    { numRuns: 400 },
  )
})

test('whatever a server answers, a page holds only objects with fields, or the source fails and says why', async () => {
  await fc.assert(
    fc.asyncProperty(anyBody, anyStatus, anyHeaders, async (body, status, headers) => {
      const world = { clock: jumpingClock(), random: () => 0, fetch: answering(body, status, headers) }
      const options = resolveHttpPoll('any', {
        url: 'http://x/',
        every: '1s',
        records: 'results',
        retries: 1,
        pagination: { is: 'link' },
        pages: 2,
      })
      const source = openHttpPoll(options, { world, env: {}, log: () => {} })
      try {
        for await (const { records } of source.read(null, new AbortController().signal)) {
          for (const record of records) expect(Object.keys(record)).not.toHaveLength(0)
        }
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error
        expect(error.code).toBe('SOURCE_FAILED')
      }
    }),
    { numRuns: 400 },
  )
})

test('headers of any shape are read without an exception', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const delay = retryAfterMs(text, 0)
      expect(delay === null || delay >= 0).toBe(true)
      linkTarget(text, 'next')
    }),
  )
})

test('a request that is over does not listen to the task’s signal any more', async () => {
  const { signal } = new AbortController()
  const world = { clock: jumpingClock(), random: () => 0, fetch: answering(Buffer.from('{}'), 200, {}) }
  await requestJson(world, { url: new URL('http://x/'), headers: {}, timeoutMs: 1000, maxBodyBytes: 100 }, signal)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
