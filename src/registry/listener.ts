import { createServer, type RequestListener } from 'node:http'
import { errnoOf, MillraceError } from '../platform/index.ts'

/** A port that is taken before there is a registry behind it: requests that come early wait for the registry. */
export interface RegistryListener {
  /** `http://host:port` */
  readonly address: string
  readonly port: number
  /** From now on requests are answered, those that wait first. */
  answerBy(answer: RequestListener): void
  /** Ends what waits; what is being answered has a second. */
  close(): Promise<void>
}

const KEEP_ALIVE_MS = 72_000
const CLOSING_MS = 1_000

/** Takes the port; 0 is any free one. Rejects PORT_BUSY, UNREACHABLE when it may not be listened on. */
export async function listenForRegistry({ host, port }: { host: string; port: number }): Promise<RegistryListener> {
  const registry = Promise.withResolvers<RequestListener>()
  registry.promise.catch(() => undefined)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void registry.promise.then(
      (answer) => answer(request, response),
      () => request.destroy(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen({ host, port }, resolve)
  })
  const bound = server.address()
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port
  return {
    address: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    answerBy: registry.resolve,
    close: async () => {
      registry.reject(new MillraceError('CLOSED', 'The registry is closed.'))
      await new Promise<void>((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), CLOSING_MS)
        server.close(() => {
          clearTimeout(late)
          resolve()
        })
        server.closeIdleConnections()
      })
    },
  }
}

function listenError(error: Error, host: string, port: number): MillraceError {
  const options = { cause: error, details: { host, port } }
  if (errnoOf(error) === 'EADDRINUSE')
    return new MillraceError('PORT_BUSY', `Port ${port} on ${host} is in use by another process.`, options)
  return new MillraceError('UNREACHABLE', `Cannot listen on ${host}:${port}: ${error.message}`, options)
}
