import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeAuthority } from '../../tools/engines/certificates.ts'

/** A proxy on 127.0.0.1 that speaks https, as one stands before a console: it says for whom it asks, and what it was asked. */
export interface HttpsProxy extends AsyncDisposable {
  /** `https://localhost:port` */
  readonly origin: string
  /** Of the authority of its certificate. */
  readonly ca: string
  /** Paths it was asked for that nothing stands behind. */
  readonly strayed: readonly string[]
}

export interface HttpsProxyOptions {
  /** `http://127.0.0.1:port` */
  readonly target: string
  /** What it forwards; other paths are 404. */
  readonly basePath: string
  /** Whether it takes the path off. */
  readonly strips: boolean
}

export async function startHttpsProxy({ target, basePath, strips }: HttpsProxyOptions): Promise<HttpsProxy> {
  const authority = await makeAuthority()
  const strayed: string[] = []
  const server = createServer(await authority.issue({ name: 'localhost' }), (request, response) => {
    const { url = '/' } = request
    if (url.startsWith(`${basePath}/`)) return forward(request, response, target + (strips ? url.slice(basePath.length) : url))
    strayed.push(url)
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    ca: authority.cert,
    strayed,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function forward(request: IncomingMessage, response: ServerResponse, url: string): void {
  const { headers, method, socket } = request
  const before = headers['x-forwarded-for']
  const forwarded = {
    'x-forwarded-for': [...(before === undefined ? [] : [before]), socket.remoteAddress].join(', '),
    'x-forwarded-proto': 'https',
    'x-forwarded-host': headers.host,
  }
  const onward = ask(url, { method, headers: { ...headers, host: 'upstream', ...forwarded } }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}
