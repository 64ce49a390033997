import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { errnoOf, MillraceError } from './errors.ts'
import { serverTlsFault, type ServerTlsOptions } from './tls.ts'

/** A TCP server that ends its connections when it closes. */
export interface TcpServer {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

export interface ListenOptions {
  host: string
  /** 0 picks a free one. */
  port: number
  tls?: ServerTlsOptions
  /** Of a client; with `tls` after its handshake. */
  onConnection: (socket: Socket) => void
}

/** A client that does not finish the TLS handshake is cut off. */
const tlsHandshakeMs = 10_000

/** Listens on `host:port`. A busy port rejects with PORT_BUSY, details `{ host, port }`; certificates that cannot be used with CONFIG_INVALID. */
export async function listenTcp(options: ListenOptions): Promise<TcpServer> {
  const sockets = new Set<Socket>()
  const server = serverOf(options)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, options)))
    server.listen({ host: options.host, port: options.port }, () => {
      const address = server.address()
      resolve({
        host: options.host,
        port: typeof address === 'object' && address ? address.port : options.port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            for (const socket of sockets) socket.destroy()
          }),
      })
    })
  })
}

function serverOf({ tls, onConnection }: ListenOptions): Server {
  if (!tls) return createServer({ noDelay: true }, onConnection)
  const fault = serverTlsFault(tls)
  if (fault) throw new MillraceError('CONFIG_INVALID', `TLS cannot be spoken: tls.${fault.option} ${fault.what}.`)
  const { cert, key, passphrase, clientCa } = tls
  const server = createTlsServer({
    cert,
    key,
    passphrase,
    minVersion: 'TLSv1.2',
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
    handshakeTimeout: tlsHandshakeMs,
    noDelay: true,
  })
  return server.on('secureConnection', onConnection).on('tlsClientError', (_error, socket) => socket.destroy())
}

function listenError(error: Error, { host, port }: { host: string; port: number }): MillraceError {
  if (errnoOf(error) === 'EADDRINUSE') {
    return new MillraceError('PORT_BUSY', `Port ${port} on ${host} is in use by another process.`, {
      cause: error,
      details: { host, port },
    })
  }
  return new MillraceError('UNREACHABLE', `Cannot listen on ${host}:${port}: ${error.message}`, { cause: error, details: { host, port } })
}

/** True for addresses that only this machine can reach (P8). */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Splits `host:port`, `[v6]:port` or a bare host. */
export function parseHostPort(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text.trim())
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  const host = match?.[1] ?? match?.[2]
  if (!host || port > 65_535) throw new MillraceError('CONFIG_INVALID', `"${text}" is not an address; write host:port.`)
  return { host, port }
}
