import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A RandomUser server that first gives the scripted answers, then good ones. */
export interface ScriptedApi {
  readonly url: string
  /** Queries of the requests so far. */
  readonly requests: URLSearchParams[]
  close(): Promise<void>
}

export const answers = {
  status:
    (code: number, headers: Record<string, string> = {}): Answer =>
    (_request, response) => {
      response.writeHead(code, headers).end('busy')
    },
  html: ((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Maintenance</body></html>')
  }) satisfies Answer,
  error: ((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"error":"Uh oh, something has gone wrong."}')
  }) satisfies Answer,
  halfBody: ((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{"results":[{')
    response.destroy()
  }) satisfies Answer,
}

export async function startScriptedApi(script: readonly Answer[], options: { port?: number } = {}): Promise<ScriptedApi> {
  const requests: URLSearchParams[] = []
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const answer = script[requests.length]
    requests.push(searchParams)
    if (answer) answer(request, response)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(page(searchParams)))
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/api/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function page(query: URLSearchParams): unknown {
  const number = Number(query.get('page') ?? 1)
  return { results: [user(number)], info: { seed: query.get('seed'), results: 1, page: number, version: '1.4' } }
}

function user(n: number): unknown {
  const picture = `https://example.org/${n}.jpg`
  return {
    gender: 'female',
    name: { title: 'Ms', first: `First${n}`, last: `Last${n}` },
    location: {
      street: { number: n, name: 'Main Street' },
      city: 'Oslo',
      state: 'Oslo',
      country: 'Norway',
      postcode: 1000 + n,
      coordinates: { latitude: '1.0', longitude: '2.0' },
      timezone: { offset: '+1:00', description: 'Oslo' },
    },
    email: `user${n}@example.org`,
    login: {
      uuid: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
      username: `user${n}`,
      password: 'x',
      salt: 'x',
      md5: 'x',
      sha1: 'x',
      sha256: 'x',
    },
    dob: { date: '1990-01-02T03:04:05.678Z', age: 36 },
    registered: { date: '2010-01-02T03:04:05.678Z', age: 16 },
    phone: '123',
    cell: '456',
    id: { name: 'FN', value: null },
    picture: { large: picture, medium: picture, thumbnail: picture },
    nat: 'NO',
  }
}
