import { createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import type { Json } from '../../core/index.ts'
import { MillraceError, systemClock, type Clock } from '../../platform/index.ts'
import type { PolledPage } from '../polled-source.ts'
import { resolveWebhook, webhookSpec, type WebhookOptions } from './options.ts'
import { openWebhook } from './source.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

interface Received extends AsyncDisposable {
  url: string
  log: string[]
  /** What the runner would do: the next page; the one before it is committed. */
  next(): Promise<PolledPage>
  done: Promise<unknown>
  stop: AbortController
}

type Some = Partial<WebhookOptions> & { cursor?: Json; clock?: Clock; env?: Record<string, string> }

async function receive({ cursor = null, clock = systemClock, env = {}, ...options }: Some = {}): Promise<Received> {
  const listening = Promise.withResolvers<string>()
  const log: string[] = []
  const source = openWebhook('orders', resolveWebhook('orders', { port: 0, ...options }), {
    clock,
    env,
    folder: '/',
    log: (line) => {
      log.push(line)
      if (line.startsWith('listens at ')) listening.resolve(line.slice('listens at '.length))
    },
  })
  const stop = new AbortController()
  const pages = source.read(cursor, stop.signal)[Symbol.asyncIterator]()
  const page = (): Promise<PolledPage> =>
    pages.next().then((result) => {
      if (result.done === true) throw new Error('the run is over')
      return result.value
    })
  // Asking for the first page is what makes it listen.
  let asked: Promise<PolledPage> | null = page()
  const done = asked.then(
    () => null,
    (error: unknown) => error,
  )
  const received: Received = {
    url: await listening.promise,
    log,
    next: () => {
      const result = asked ?? page()
      asked = null
      return result
    },
    done,
    stop,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await Promise.resolve(asked).catch(() => undefined)
      await pages.return?.()
    },
  }
  open.push(received)
  return received
}

async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown; retryAfter: string | null }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, body: await response.json(), retryAfter: response.headers.get('retry-after') }
}

/** Takes pages, as the runner would, until all of these were answered. */
async function takeUntil<T>(received: Received, answers: Promise<T>): Promise<{ answers: T; pages: PolledPage[] }> {
  const pages: PolledPage[] = []
  for (;;) {
    const page = await Promise.race([received.next(), answers.then(() => null)])
    if (page === null) return { answers: await answers, pages }
    pages.push(page)
  }
}

test('a request is answered when its page is committed, and not before', async () => {
  const received = await receive()
  let answered = false
  const answer = post(received.url, { id: 'a' }).finally(() => (answered = true))
  const page = await received.next()
  expect(page.records).toEqual([{ id: 'a' }])
  expect(page.cursor).toEqual({ received: 1, keys: [] })
  // Another request is answered meanwhile: had this one been, its answer would have been here first.
  expect((await post(received.url.replace(/\/$/, '/elsewhere'), {})).status).toBe(404)
  expect(answered).toBe(false)
  const next = received.next()
  expect(await answer).toEqual({ status: 200, body: { records: 1 }, retryAfter: null })
  received.stop.abort()
  await expect(next).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('what waits while a page is written is one page, lists and lines too', async () => {
  const received = await receive({ path: '/orders' })
  const first = post(received.url, { id: 0 })
  await received.next()
  const list = post(received.url, [{ id: 1 }, { id: 2 }])
  const lines = post(received.url, '{"id":3}\n{"id":4}\n', { 'content-type': 'application/x-ndjson' })
  const { answers, pages } = await takeUntil(received, Promise.all([first, list, lines]))
  expect(answers.map(({ body }) => body)).toEqual([{ records: 1 }, { records: 2 }, { records: 2 }])
  const ids = pages.flatMap(({ records }) => records.map((record) => record['id']))
  expect(new Set(ids)).toEqual(new Set([1, 2, 3, 4]))
  expect(ids).toHaveLength(4)
})

test('a run that ends before the commit tells the sender to come again', async () => {
  const received = await receive()
  const first = post(received.url, { id: 'a' })
  await received.next()
  await received[Symbol.asyncDispose]()
  expect(await first).toEqual({ status: 503, body: { error: 'the run ended before this was committed' }, retryAfter: '1' })
})

test('bodies beyond the room there is are answered 503, and are taken once there is some', async () => {
  const received = await receive({ maxBytes: 60, maxWaitingBytes: 100 })
  const big = { text: 'x'.repeat(40) }
  const first = post(received.url, big)
  await received.next()
  const second = await post(received.url, big)
  expect([second.status, second.retryAfter]).toEqual([503, '1'])
  const next = received.next()
  expect((await first).status).toBe(200)
  const third = post(received.url, big)
  expect((await next).records).toEqual([big])
  void received.next().catch(() => undefined)
  expect((await third).status).toBe(200)
})

test('a record that the pipeline does not take refuses its request, and no other', async () => {
  const received = await receive()
  const opening = post(received.url, { id: 0 })
  await received.next()
  const bad = post(received.url, [{ id: 1 }, { id: null }])
  const good = post(received.url, { id: 2 })
  const refused = new MillraceError('RECORD_INVALID', 'Source orders: id: expected a string', { details: { field: 'id' } })
  const produced: unknown[] = []
  let cursor: Json = null
  while (produced.length === 0 || !received.log.some((line) => line.includes('refused'))) {
    const page = await received.next()
    const left = new Set(page.records.flatMap((record, i) => (record['id'] === null ? (page.refuse?.(i, refused) ?? []) : [])))
    produced.push(...page.records.filter((_, i) => !left.has(i)))
    ;({ cursor } = page)
  }
  void received.next().catch(() => undefined)
  expect((await opening).status).toBe(200)
  expect(await bad).toEqual({ status: 422, body: { error: 'record 1 does not fit what is expected here', field: 'id' }, retryAfter: null })
  expect((await good).status).toBe(200)
  expect(produced).toEqual([{ id: 2 }])
  expect(cursor).toEqual({ received: 2, keys: [] })
})

test('a step that throws may be a mistake of the pipeline: the sender keeps the request', async () => {
  const received = await receive()
  const answer = post(received.url, { id: 0 })
  const page = await received.next()
  expect(page.refuse?.(0, new MillraceError('RECORD_STEP', 'no such thing'))).toEqual([0])
  void received.next().catch(() => undefined)
  expect(await answer).toEqual({ status: 500, body: { error: 'record 0 could not be processed' }, retryAfter: null })
})

const idempotency = { header: 'Idempotency-Key', field: 'delivery' }

test('a request that is sent again is taken once, also by the next run', async () => {
  const received = await receive({ idempotency })
  const key = { 'idempotency-key': 'k1' }
  const twice = Promise.all([post(received.url, { id: 1 }, key), post(received.url, { id: 1 }, key)])
  const { answers, pages } = await takeUntil(received, twice)
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(pages.flatMap(({ records }) => records)).toEqual([{ id: 1, delivery: 'k1' }])
  const again = await receive({ idempotency, cursor: pages[0]?.cursor ?? null })
  expect(await post(again.url, { id: 1 }, key)).toEqual({ status: 200, body: { records: 1, repeated: true }, retryAfter: null })
  const list = post(again.url, [{ id: 2 }, { id: 3 }], { 'idempotency-key': 'k2' })
  const { pages: more } = await takeUntil(again, list)
  expect(more[0]?.records.map((record) => record['delivery'])).toEqual(['k2-0', 'k2-1'])
  expect((await post(again.url, { id: 4 })).status).toBe(400)
})

test('it ends when its time is over, and what waits is a page still', async () => {
  let end: () => void = () => {}
  const clock: Clock = {
    ...systemClock,
    after: (ms, callback) => (ms === 60_000 ? ((end = callback), () => {}) : systemClock.after(ms, callback)),
  }
  const received = await receive({ for: '1m', clock })
  const first = post(received.url, { id: 1 })
  await received.next()
  end()
  expect(await post(received.url, { id: 2 })).toMatchObject({ status: 503, retryAfter: '1' })
  await expect(received.next()).rejects.toThrow('the run is over')
  expect((await first).status).toBe(200)
})

const body = '{"id":1}'
const secret = 'it is a secret'
const signature = createHmac('sha256', secret).update(body).digest('hex')
const hmac = { secret: { secret: 'env', name: 'SIGNING' }, header: 'X-Signature', prefix: 'sha256=' } as const

test.each<[string, Some, Record<string, string>, number]>([
  ['signed', { hmac }, { 'x-signature': `sha256=${signature}` }, 200],
  ['signed, through a proxy by another name', { hmac }, { 'x-signature': `sha256=${signature}`, host: 'hooks.example' }, 200],
  ['not signed', { hmac }, {}, 401],
  ['signed by another secret', { hmac }, { 'x-signature': `sha256=${'0'.repeat(64)}` }, 401],
  ['with its token', { credentials: { token: hmac.secret } }, { authorization: `Bearer ${secret}` }, 200],
  ['with another token', { credentials: { token: hmac.secret } }, { authorization: 'Bearer x' }, 401],
  [
    'with user and password',
    { credentials: { username: 'shop', password: hmac.secret } },
    { authorization: `Basic ${Buffer.from(`shop:${secret}`).toString('base64')}` },
    200,
  ],
  ['without user and password', { credentials: { username: 'shop', password: hmac.secret } }, {}, 401],
  ['by a foreign name', {}, { host: 'evil.example' }, 403],
  ['by a name of its own', { hosts: ['hooks.example'] }, { host: 'hooks.example' }, 200],
  ['of a page elsewhere', {}, { origin: 'https://evil.example' }, 403],
  [
    'of a page elsewhere that has the token',
    { credentials: { token: hmac.secret } },
    { authorization: `Bearer ${secret}`, origin: 'https://evil.example' },
    403,
  ],
  ['as a form', {}, { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['as another JSON', {}, { 'content-type': 'application/vnd.shop.order+json; charset=utf-8' }, 200],
])('P8: a request %s is answered so', async (_what, options, headers, status) => {
  const received = await receive({ ...options, env: { SIGNING: `${secret}\n` } })
  // Node's fetch sends no `host` of one's own.
  const answered = new Promise<number>((resolve, reject) => {
    const sent = httpRequest(received.url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
    sent.once('error', reject).end(body)
  })
  expect((await takeUntil(received, answered)).answers).toBe(status)
})

test.each<[string, string, number, string]>([
  ['{"id":', 'application/json', 400, 'the body is no JSON'],
  ['7', 'application/json', 400, 'the body is neither an object nor a list of objects'],
  ['[{"id":1},7]', 'application/json', 400, 'record 1 is no object'],
  ['{}', 'application/json', 400, 'record 0 is empty'],
  [JSON.stringify({ text: 'x'.repeat(200) }), 'application/json', 413, 'the body is larger than 100 bytes'],
])('a body %s is refused', async (sent, type, status, reason) => {
  const received = await receive({ maxBytes: 100 })
  const answer = await post(received.url, sent, { 'content-type': type })
  expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(reason)])
})

test('other methods are told which one it is', async () => {
  const received = await receive()
  const response = await fetch(received.url)
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
})

test('a secret that is not there, and a port that is taken, are told', async () => {
  await expect(receive({ hmac })).rejects.toThrow('Source orders: hmac.secret needs the environment variable SIGNING, which is not set.')
  const first = await receive()
  const port = Number(new URL(first.url).port)
  const source = openWebhook('other', resolveWebhook('other', { port }), { clock: systemClock, env: {}, folder: '/', log: () => {} })
  const reading = source.read(null, new AbortController().signal)[Symbol.asyncIterator]().next()
  await expect(reading).rejects.toMatchObject({ code: 'PORT_BUSY', details: { port } })
})

test.each<[object, string]>([
  [{}, 'port is required'],
  [{ port: 1, host: '0.0.0.0' }, 'host is 0.0.0.0, which others reach: give hmac or credentials'],
  [{ port: 1, path: 'hook' }, 'path must be a path beginning with /'],
  [{ port: 1, hmac: { secret: 'abc', header: 'x' } }, "hmac: secret must be secret.env('NAME') or secret.file('path')"],
  [{ port: 1, hmac: { ...hmac, algorithm: 'md5' } }, 'hmac: algorithm must be one of sha256, sha512, sha1'],
  [{ port: 1, credentials: { username: 'a' } }, 'credentials: password is required'],
  [{ port: 1, maxBytes: 200, maxWaitingBytes: 100 }, 'maxBytes is more than maxWaitingBytes'],
])('options that cannot be are named: %j', (options, problem) => {
  expect(() => resolveWebhook('orders', options)).toThrow(problem)
})

test('the source as data holds references to secrets alone', () => {
  expect(webhookSpec({ name: 'orders', port: 1, hmac }).options).toEqual({ port: 1, hmac })
})
