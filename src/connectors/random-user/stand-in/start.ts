import type { Logger, Part } from '../../../platform/index.ts'

export interface RandomUserStandInOptions {
  /** Loopback only: it asks nobody for credentials (P8). */
  host: string
  /** 0 picks a free one. */
  port: number
  log?: Logger
}

/**
 * Serves RandomUser's JSON on this machine: `url` is its `/api/`. The same request gives the same users at any time, in any
 * process. Loaded only when it is started. PORT_BUSY, CREDENTIALS_REQUIRED for a host beyond loopback.
 */
export async function startRandomUserStandIn(options: RandomUserStandInOptions): Promise<Part & { url: string }> {
  const { serveRandomUsers } = await import('./server.ts')
  return serveRandomUsers(options)
}
