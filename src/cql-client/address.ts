export interface Address {
  host: string
  port: number
  /** What to ask for there by SNI: a host id, where nodes stand behind a proxy. */
  serverName?: string
}

export function formatAddress({ host, port, serverName }: Address): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return serverName === undefined ? address : `${address} (${serverName})`
}
