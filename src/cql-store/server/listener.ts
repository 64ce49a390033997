import { listenTcp, type ServerTlsOptions, type TcpServer } from '../../platform/index.ts'
import { Connection, type ConnectionParts } from './connection.ts'
import { InboundBudget } from './limits.ts'

/** How often clients that hold on to something are looked for, at most. */
const watchEveryMs = 5_000

/**
 * Listens for clients, and tells them of changes of the schema.
 * @throws MillraceError PORT_BUSY, CONFIG_INVALID
 */
export async function serveClients(
  where: { host: string; port: number; tls?: ServerTlsOptions },
  shared: Omit<ConnectionParts, 'budget'>,
): Promise<TcpServer> {
  const { executor, limits, clock, log } = shared
  const connections = new Set<Connection>()
  const parts: ConnectionParts = { ...shared, budget: new InboundBudget(limits.maxPartialBytes) }
  executor.onSchemaChange = (change) => {
    for (const connection of connections)
      if (connection.events.has('SCHEMA_CHANGE')) connection.send({ opcode: 'EVENT', event: 'SCHEMA_CHANGE', ...change })
  }
  const server = await listenTcp({
    ...where,
    onConnection: (socket) => {
      if (connections.size >= limits.maxConnections) {
        log.warn('hung up on a client', { why: `${limits.maxConnections} are connected` })
        socket.on('error', () => {}).destroy()
        return
      }
      const connection = new Connection(socket, parts)
      connections.add(connection)
      socket.once('close', () => connections.delete(connection))
    },
  })
  let cancel = (): void => {}
  const watch = (): void => {
    cancel = clock.after(Math.min(watchEveryMs, limits.handshakeMs, limits.stalledMs), () => {
      const nowMs = clock.monotonicMs()
      for (const connection of connections) connection.hangUpIfStalled(nowMs)
      watch()
    })
  }
  watch()
  return {
    ...server,
    close: () => {
      cancel()
      return server.close()
    },
  }
}
