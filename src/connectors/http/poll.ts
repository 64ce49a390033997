import type { Json } from '../../core/index.ts'
import { backoffMs, MillraceError } from '../../platform/index.ts'
import { isObject } from '../options-reader.ts'
import type { PolledPage, PolledSource } from '../polled-source.ts'
import { Pacer } from '../pacer.ts'
import type { Polling } from './options.ts'
import type { Paging } from './pagination.ts'
import { unfitCursor } from '../unfit-cursor.ts'
import { requestJson, type HttpWorld } from './request.ts'

/** An HTTP source, every option resolved. */
export interface HttpPolling extends Polling {
  url: URL
  headers: Readonly<Record<string, string>>
  paging: Paging
  /** The records of a body; undefined when they are not there. */
  pick: (body: unknown) => unknown
  /** What is wrong with a record's shape, or null. */
  check: (record: Record<string, unknown>) => string | null
  /** Fewer records than this on a page are a bad answer. */
  minRecords: number
  says: string
  expectedRecords: number | null
}

type PageResult = { is: 'page'; page: PolledPage; last: boolean } | { is: 'time-over'; label: string; reason: string }

/**
 * Polls: a request each `everyMs`, pages in order, for `forMs` from the first request on the monotonic clock. A bad answer
 * is retried with back-off, each retry logged; when the retries are used up `read` throws SOURCE_FAILED.
 */
export function httpPoll(world: HttpWorld, polling: HttpPolling, log: (line: string) => void): PolledSource {
  return {
    says: polling.says,
    expectedRecords: polling.expectedRecords,
    read: (cursor, signal) => readPages(world, polling, log, cursor ?? polling.paging.first, signal),
  }
}

async function* readPages(
  world: HttpWorld,
  polling: HttpPolling,
  log: (line: string) => void,
  from: Json,
  signal: AbortSignal,
): AsyncGenerator<PolledPage> {
  const pacer = new Pacer(world.clock, polling)
  let at = from
  for (let count = 0; polling.pages === null || count < polling.pages; count++) {
    if (!(await pacer.nextPage(signal))) return
    const result = await readPage(world, polling, pacer, log, at, signal)
    if (result.is === 'time-over') {
      if (count === 0) throw failed(polling, result.label, `until its time was over; last: ${result.reason}`, true)
      log(`page ${result.label}: the time is over while the source fails (${result.reason}); the next run goes on there`)
      return
    }
    yield result.page
    if (result.last) return
    at = result.page.cursor
  }
}

async function readPage(
  world: HttpWorld,
  polling: HttpPolling,
  pacer: Pacer,
  log: (line: string) => void,
  cursor: Json,
  signal: AbortSignal,
): Promise<PageResult> {
  const request = polling.paging.request(cursor, polling.url)
  if (request === null) throw unfitCursor(polling.name, cursor)
  let startedMs: number | null = null
  for (let attempt = 0; ; attempt++) {
    await pacer.nextRequest(signal)
    startedMs ??= world.clock.nowMs()
    const answer = await requestJson(world, { ...polling, url: request.url }, signal)
    const read = answer.ok ? readRecords(polling, cursor, request, answer) : answer
    if (read.ok) return { is: 'page', page: { ...read.page, startedMs }, last: read.last }
    const delayMs = read.retryAfterMs ?? backoffMs(attempt, { initialMs: polling.backoffMs, maxMs: polling.maxBackoffMs }, world.random)
    if (!read.retriable) throw failed(polling, request.label, `for good: ${read.reason}`, false)
    if (attempt >= polling.retries) throw failed(polling, request.label, `${attempt + 1} times; last: ${read.reason}`, true)
    if (delayMs > polling.maxBackoffMs) {
      throw failed(polling, request.label, `and asks to be left alone for ${seconds(delayMs)}, more than maxBackoff: ${read.reason}`, true)
    }
    if (pacer.isOverAfter(delayMs)) return { is: 'time-over', label: request.label, reason: read.reason }
    const asked = read.retryAfterMs === null ? '' : ' (Retry-After)'
    log(`page ${request.label}: ${read.reason}; retry ${attempt + 1} of ${polling.retries} in ${seconds(delayMs)}${asked}`)
    await world.clock.sleep(delayMs, signal)
  }
}

type Read =
  { ok: true; page: Omit<PolledPage, 'startedMs'>; last: boolean } | { ok: false; reason: string; retriable: true; retryAfterMs: null }

function readRecords(
  polling: HttpPolling,
  cursor: Json,
  request: { url: URL; label: string },
  answer: { body: unknown; headers: Headers },
): Read {
  const picked = polling.pick(answer.body)
  if (!Array.isArray(picked)) return bad('the answer holds no list of records')
  if (picked.length < polling.minRecords) return bad(`the answer holds ${picked.length} records`)
  const records: Record<string, unknown>[] = []
  for (const record of picked) {
    const problem = isObject(record) ? (Object.keys(record).length === 0 ? 'is empty' : polling.check(record)) : 'is no object'
    if (problem !== null) return bad(`record ${records.length} of the answer ${problem}`)
    if (isObject(record)) records.push(record)
  }
  const next = polling.paging.next(cursor, { url: request.url, body: answer.body, records, headers: answer.headers })
  if (typeof next === 'string') return bad(next)
  return { ok: true, page: { records, cursor: next.cursor, label: request.label }, last: next.last }
}

function bad(reason: string): Read {
  return { ok: false, reason, retriable: true, retryAfterMs: null }
}

function failed(polling: HttpPolling, label: string, what: string, retriable: boolean): MillraceError {
  // Only origin and path: a query may hold a key (P8).
  const message = `Source ${polling.name}, page ${label}: ${polling.url.origin}${polling.url.pathname} failed ${what}.`
  return new MillraceError('SOURCE_FAILED', message, { retriable, details: { source: polling.name, page: label } })
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
