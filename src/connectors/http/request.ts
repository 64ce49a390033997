import { errnoOf, messageOf, type Clock } from '../../platform/index.ts'
import { jsonWithWholeNumbers } from '../json-values.ts'
import { isObject } from '../options-reader.ts'
import { retryAfterMs } from './retry-after.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'

/** What an HTTP source needs of the world. `fetch` is Node's own unless a test gives another. */
export interface HttpWorld {
  clock: Clock
  /** [0, 1), for jitter. */
  random: () => number
  fetch: typeof globalThis.fetch
}

export interface HttpRequest {
  url: URL
  headers: Readonly<Record<string, string>>
  timeoutMs: number
  maxBodyBytes: number
}

/** An answer that holds JSON, or what was wrong with it in words for the log. */
export type Answer =
  | { ok: true; body: unknown; headers: Headers }
  | { ok: false; reason: string; status: number | null; retriable: boolean; retryAfterMs: number | null }

/**
 * One GET that is expected to answer JSON. Everything that can be wrong with an answer is a value; only the abort of
 * `signal` rejects, with its reason.
 */
export async function requestJson(world: HttpWorld, request: HttpRequest, signal: AbortSignal): Promise<Answer> {
  stopIfAborted(signal)
  // Its own controller, not AbortSignal.any: the task's signal lives for all requests of a run.
  const end = new AbortController()
  const onAbort = (): void => end.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  const cancel = world.clock.after(request.timeoutMs, onAbort)
  try {
    const response = await world.fetch(request.url, {
      headers: { accept: 'application/json', ...request.headers },
      signal: end.signal,
    })
    return await readAnswer(world, response, request.maxBodyBytes)
  } catch (error) {
    stopIfAborted(signal)
    if (end.signal.aborted) return bad(`no whole answer within ${request.timeoutMs} ms`)
    return bad(`the request failed: ${reasonOf(error)}`)
  } finally {
    cancel()
    signal.removeEventListener('abort', onAbort)
  }
}

async function readAnswer(world: HttpWorld, response: Response, maxBodyBytes: number): Promise<Answer> {
  const body = await readBody(response, maxBodyBytes)
  const status = response.status
  if (!response.ok) {
    return {
      ...bad(`HTTP ${status} ${response.statusText}`.trim() + excerpt(body)),
      status,
      retriable: status >= 500 || status === 408 || status === 425 || status === 429,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after'), world.clock.nowMs()),
    }
  }
  if (body === null) return { ...bad(`the body is larger than ${maxBodyBytes} bytes`), status, retriable: false }
  if (/^text\/html|^application\/xhtml/i.test(response.headers.get('content-type') ?? '')) {
    return { ...bad(`HTTP ${status} with an HTML page in place of JSON${excerpt(body)}`), status }
  }
  const parsed = parse(body)
  if (!parsed.ok) return { ...bad(`HTTP ${status}, but the body is not JSON (${body.byteLength} bytes): ${parsed.problem}`), status }
  const told = toldError(parsed.value)
  if (told !== null) return { ...bad(`HTTP ${status}, but the body tells an error: ${told}`), status }
  return { ok: true, body: parsed.value, headers: response.headers }
}

/** The whole body; null as soon as it grows past `maxBytes`. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array | null> {
  if (!response.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response.body) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, sizeBytes)
}

function parse(body: Uint8Array): { ok: true; value: unknown } | { ok: false; problem: string } {
  if (body.byteLength === 0) return { ok: false, problem: 'it is empty' }
  try {
    return { ok: true, value: jsonWithWholeNumbers(new TextDecoder('utf-8', { fatal: true }).decode(body)) }
  } catch (error) {
    return { ok: false, problem: messageOf(error) }
  }
}

/** `{ error: … }` is how some APIs (RandomUser among them) tell an error with status 200. */
function toldError(body: unknown): string | null {
  const error = isObject(body) ? body['error'] : undefined
  if (error === undefined || error === null || error === false || error === '') return null
  return (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 200)
}

function excerpt(body: Uint8Array | null): string {
  const text = Buffer.from(body ?? new Uint8Array())
    .toString('utf8', 0, 400)
    .replaceAll(/\s+/g, ' ')
    .trim()
  return text === '' ? '' : `: ${text.length > 120 ? `${text.slice(0, 120)}…` : text}`
}

function bad(reason: string): { ok: false; reason: string; status: null; retriable: boolean; retryAfterMs: null } {
  return { ok: false, reason, status: null, retriable: true, retryAfterMs: null }
}

/** What fetch hides in `cause`: "fetch failed" alone helps nobody. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  if (!(cause instanceof Error)) return messageOf(error)
  return `${messageOf(error)} (${cause.message || (errnoOf(cause) ?? cause.name)})`
}
