import { expect, test } from 'vitest'
import type { Json } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { PolledPage } from '../polled-source.ts'
import { openHttpPoll } from './open.ts'
import { httpPollSpec, resolveHttpPoll, type HttpPollOptions } from './options.ts'
import { jumpingClock, json, startScriptedServer, status, type ScriptedAnswer } from './scripted-server.ts'

const good = json({ results: [{ id: 1 }] })
const never: ScriptedAnswer = () => {}

interface Polled {
  pages: PolledPage[]
  log: string[]
  sleeps: number[]
  requests: URL[]
  error: MillraceError | null
}

async function poll(
  script: ScriptedAnswer[],
  options: Partial<HttpPollOptions> & { cursor?: Json; timersFire?: boolean; signal?: AbortSignal; onPage?: () => void } = {},
): Promise<Polled> {
  const { cursor = null, timersFire = false, signal = new AbortController().signal, onPage, ...given } = options
  await using server = await startScriptedServer(script)
  const clock = jumpingClock({ timersFire })
  const log: string[] = []
  const spec = httpPollSpec({ name: 'users', url: server.url, every: '1s', pages: 1, records: 'results', ...given })
  const world = { clock, random: () => 1, fetch: globalThis.fetch }
  const source = openHttpPoll(resolveHttpPoll(spec.name, spec.options), {
    world,
    env: { TOKEN: 'secret' },
    log: (line) => log.push(line),
  })
  const polled: Polled = { pages: [], log, sleeps: clock.sleeps, requests: server.requests, error: null }
  try {
    for await (const page of source.read(cursor, signal)) {
      polled.pages.push(page)
      onPage?.()
    }
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    polled.error = error
  }
  return polled
}

const badAnswers: [name: string, answer: ScriptedAnswer, said: RegExp][] = [
  ['HTTP 500', status(500, {}, 'oops'), /HTTP 500 Internal Server Error: oops/],
  ['HTTP 429', status(429), /HTTP 429 Too Many Requests/],
  [
    'an HTML page',
    status(200, { 'content-type': 'text/html; charset=utf-8' }, '<html>busy</html>'),
    /HTML page in place of JSON: <html>busy/,
  ],
  ['an error told with status 200', json({ error: 'Uh oh, something has gone wrong.' }), /tells an error: Uh oh/],
  [
    'half a body',
    (response) => void response.writeHead(200, { 'content-length': 999 }).write('{"results":[{', () => response.destroy()),
    /the request failed/,
  ],
  ['half a body that ends properly', status(200, {}, '{"results":[{"id":'), /not JSON \(18 bytes\)/],
  ['an empty body', status(200), /it is empty/],
  ['bytes that are no UTF-8', (response) => void response.end(Buffer.from([0x22, 0xff, 0x22])), /not JSON/],
  ['records that are no list', json({ results: { id: 1 } }), /holds no list of records/],
  ['a record that is no object', json({ results: [{ id: 1 }, null] }), /record 1 of the answer is no object/],
  ['an empty record', json({ results: [{}] }), /record 0 of the answer is empty/],
  ['a closed connection', (response) => void response.destroy(), /the request failed/],
]

test.each(badAnswers)('%s is retried, the log says why, and the good answer after it is taken', async (_name, answer, said) => {
  const { pages, log, sleeps, error } = await poll([answer, good])
  expect(error).toBeNull()
  expect(pages.map((page) => page.records)).toEqual([[{ id: 1 }]])
  expect(log).toEqual([expect.stringMatching(said)])
  expect(log[0]).toMatch(/retry 1 of 5 in 1\.0 s$/)
  expect(sleeps).toEqual([1000])
})

test('an answer that does not come is given up after the time-out and asked for again', async () => {
  const { error, log } = await poll([never], { timersFire: true, retries: 1, timeout: '10s' })
  expect(log).toEqual([expect.stringContaining('no whole answer within 10000 ms; retry 1 of 1')])
  expect(error).toMatchObject({ code: 'SOURCE_FAILED', retriable: true })
})

test('Retry-After is honoured in seconds and as a date', async () => {
  const date = new Date(Date.UTC(2026, 0, 1, 0, 0, 27)).toUTCString()
  const { sleeps, log } = await poll([status(429, { 'retry-after': '7' }), status(503, { 'retry-after': date }), good])
  expect(sleeps).toEqual([7000, 20_000])
  expect(log[0]).toContain('in 7.0 s (Retry-After)')
})

test('a Retry-After longer than maxBackoff ends the run and says so', async () => {
  const { error, sleeps } = await poll([status(429, { 'retry-after': '3600' })])
  expect(error?.message).toContain('asks to be left alone for 3600.0 s')
  expect(sleeps).toEqual([])
})

test('retries are bounded, doubled and told in the error', async () => {
  const { error, sleeps, requests } = await poll([status(500)], { retries: 3 })
  expect(sleeps).toEqual([1000, 2000, 4000])
  expect(requests).toHaveLength(4)
  expect(error).toMatchObject({ code: 'SOURCE_FAILED', retriable: true })
  expect(error?.message).toMatch(/failed 4 times; last: HTTP 500/)
})

test('a request that the server refuses for good is not retried', async () => {
  const { error, requests } = await poll([status(401, {}, 'who are you')])
  expect(requests).toHaveLength(1)
  expect(error).toMatchObject({ code: 'SOURCE_FAILED', retriable: false })
  expect(error?.message).toContain('HTTP 401 Unauthorized: who are you')
})

test('a body beyond the limit is refused', async () => {
  const { error } = await poll([json({ results: [{ text: 'x'.repeat(500) }] })], { maxBodyBytes: 100 })
  expect(error?.message).toContain('larger than 100 bytes')
})

test('one page each second for a minute makes 60 pages', async () => {
  const { pages, requests } = await poll([good], { every: '1s', for: '60s', pages: 100 })
  expect(pages).toHaveLength(60)
  expect(requests).toHaveLength(60)
})

test('the time runs on while a page is retried', async () => {
  const { pages, log, error } = await poll([good, good, status(500)], { every: '1s', for: '5s', pages: 100, retries: 50 })
  expect(error).toBeNull()
  expect(pages).toHaveLength(2)
  expect(log.at(-1)).toMatch(/the time is over while the source fails \(HTTP 500/)
})

test('a run whose time is over without a single page failed', async () => {
  const { error } = await poll([status(500)], { for: '2s', retries: 50 })
  expect(error?.message).toContain('failed until its time was over')
})

test('the rate limit spaces retries too', async () => {
  const { sleeps } = await poll([status(500), good], { rateLimit: { requests: 1, per: '10s' } })
  expect(sleeps).toEqual([1000, 9000])
})

test('an abort ends the wait for an answer', async () => {
  const stop = new AbortController()
  const { error } = await poll([() => stop.abort()], { signal: stop.signal })
  expect(error?.code).toBe('CANCELLED')
})

test('an abort between two pages ends the poll', async () => {
  const stop = new AbortController()
  const { error, pages } = await poll([good], { signal: stop.signal, pages: 5, onPage: () => stop.abort() })
  expect(pages).toHaveLength(1)
  expect(error?.code).toBe('CANCELLED')
})

test('a secret header comes from the environment and stays out of the errors', async () => {
  let seen: string | undefined
  const script: ScriptedAnswer[] = [
    (response, url) => {
      seen = response.req.headers.authorization
      status(403)(response, url)
    },
  ]
  const { error } = await poll(script, { headers: { Authorization: { env: 'TOKEN', prefix: 'Bearer ' } } })
  expect(seen).toBe('Bearer secret')
  expect(JSON.stringify(error)).not.toContain('secret')
})

test('a secret that is not set is named', () => {
  const spec = httpPollSpec({ name: 'users', url: 'http://x/', every: '1s', headers: { a: { env: 'NOT_THERE' } } })
  const world = { clock: jumpingClock(), random: () => 0, fetch: globalThis.fetch }
  expect(() => openHttpPoll(resolveHttpPoll('users', spec.options), { world, env: {}, log: () => {} })).toThrow(/variable NOT_THERE/)
})
