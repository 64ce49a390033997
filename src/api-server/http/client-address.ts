import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * Who asks: the connection's other end, or where that is a trusted proxy, the last address it forwards that is none. A port behind it is no part
 * of it, and a word that is no address, `unknown`, is not believed: then it is the proxy that asks.
 */
export function clientAddress({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  const address = withoutPort(ip)
  return isIP(address) === 0 ? (socket.remoteAddress ?? '') : address
}

function withoutPort(address: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1] ?? /^([\d.]+):\d+$/.exec(address)?.[1] ?? address
}
