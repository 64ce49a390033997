import type { FastifyInstance } from 'fastify'

const closingMs = 1_000

/** What is being answered has a second; connections that browsers opened ahead and never used would be waited for without end. */
export async function closeServer(server: FastifyInstance): Promise<void> {
  const late = setTimeout(() => server.server.closeAllConnections(), closingMs)
  server.server.closeIdleConnections()
  await server.close()
  clearTimeout(late)
}
