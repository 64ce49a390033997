import type { ServerResponse } from 'node:http'
import { once } from 'node:events'
import { asMillraceError } from '../../platform/index.ts'
import { problemOf } from './problems.ts'
import type { ServerEvent } from './route.ts'

const keepAliveMs = 15_000
/** What a browser waits before it connects again. */
const retryMs = 1_000

/**
 * Server-sent events (HTML Living Standard §9.2) until the events end or the reader goes away. A slow reader holds the events back: nothing is
 * buffered for it. An error is the last event, `problem`.
 * @param check throws when the reader may not read any more: asked before each event, for who signed out meanwhile
 */
export async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<ServerEvent>,
  signal: AbortSignal,
  check: () => void,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // nginx would hold them back.
    'x-accel-buffering': 'no',
  })
  response.write(`retry: ${retryMs}\n\n`)
  const alive = setInterval(() => response.write(':\n\n'), keepAliveMs)
  try {
    for await (const event of events) {
      if (signal.aborted) return
      check()
      if (!response.write(textOf(event))) await once(response, 'drain', { signal })
    }
  } catch (error) {
    if (!signal.aborted) response.write(textOf({ event: 'problem', data: problemOf(asMillraceError(error)) }))
  } finally {
    clearInterval(alive)
    response.end()
  }
}

function textOf({ event, id, data }: ServerEvent): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}
