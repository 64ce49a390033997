import { createServer, type ServerResponse } from 'node:http'
import type { Clock } from '../../platform/index.ts'

export type ScriptedAnswer = (response: ServerResponse, url: URL) => void

/** A server that answers by a script, one entry a request; the last entry goes on for ever. For tests. */
export async function startScriptedServer(script: readonly ScriptedAnswer[]): Promise<AsyncDisposable & { url: string; requests: URL[] }> {
  const requests: URL[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://scripted')
    requests.push(url)
    script[Math.min(requests.length, script.length) - 1]?.(response, url)
  })
  const port = await new Promise<number>((resolve) => {
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
  return {
    url: `http://127.0.0.1:${port}/api/`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function json(body: unknown, headers: Record<string, string> = {}, status = 200): ScriptedAnswer {
  return (response) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

export function status(code: number, headers: Record<string, string> = {}, body = ''): ScriptedAnswer {
  return (response) => void response.writeHead(code, headers).end(body)
}

/** A clock whose sleeps are over at once and move it on; `sleeps` lists them. Timers never fire, or at once with `timersFire`. */
export function jumpingClock({ timersFire = false } = {}): Clock & { sleeps: number[] } {
  let nowMs = Date.UTC(2026, 0, 1)
  const sleeps: number[] = []
  return {
    sleeps,
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) => {
      if (signal?.aborted) return Promise.reject(signal.reason)
      sleeps.push(ms)
      nowMs += ms
      return Promise.resolve()
    },
    after: (_ms, callback) => {
      if (!timersFire) return () => {}
      const timer = setImmediate(callback)
      return () => clearImmediate(timer)
    },
  }
}
