import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer, type TlsOptions as ServerOptions } from 'node:tls'

/** A TLS server on 127.0.0.1 before plain ones: what a service mesh, or a cloud's proxy, is to a client. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number
  /** Names that clients asked for by SNI, in order; '' where they named none. */
  readonly asked: readonly string[]
  /** Cuts what is connected. */
  cutAll(): void
}

export type Target = { readonly host?: string; readonly port: number }

/** @param targetOf where the connections for a name (SNI, '' for none) go; null: they are closed */
export async function startTlsFront(options: ServerOptions, targetOf: (serverName: string) => Target | null): Promise<TlsFront> {
  const sockets = new Set<Socket>()
  const asked: string[] = []
  const server = createServer({ ...options, minVersion: 'TLSv1.2' }, (client) => {
    const name = 'servername' in client && typeof client.servername === 'string' ? client.servername : ''
    asked.push(name)
    const target = targetOf(name)
    keep(sockets, client)
    if (!target) return void client.destroy()
    const upstream = connect({ host: target.host ?? '127.0.0.1', port: target.port })
    keep(sockets, upstream)
    client.pipe(upstream).pipe(client)
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.destroy())
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cutAll = (): void => sockets.forEach((socket) => socket.destroy())
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    cutAll,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        cutAll()
      }),
  }
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.once('close', () => sockets.delete(socket))
}
