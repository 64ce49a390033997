import { randomInt } from 'node:crypto'
import { connect } from 'node:net'
import { listenTcp, MillraceError } from '../../src/platform/index.ts'

/** Below the ports that the kernel gives to outgoing connections: what is free stays free until the server takes it, and over a restart. */
const LOWEST = 20_000
const HIGHEST = 32_000

export async function freePorts(names: readonly string[]): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const name of names) ports[name] = await freePort(new Set(Object.values(ports)))
  return ports
}

async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (!taken.has(port) && (await isFree(port))) return port
  }
  throw new MillraceError('PORT_BUSY', `No free port was found between ${LOWEST} and ${HIGHEST}.`)
}

async function isFree(port: number): Promise<boolean> {
  try {
    const server = await listenTcp({ host: '127.0.0.1', port, onConnection: (socket) => socket.destroy() })
    await server.close()
    return true
  } catch {
    return false
  }
}

/** True when a server on `port` answers anything to `request`. */
export function answers(port: number, request: Uint8Array, withinMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const done = (answered: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answered)
    }
    const timer = setTimeout(() => done(false), withinMs)
    socket.once('connect', () => socket.write(request))
    socket.once('data', () => done(true))
    socket.once('error', () => done(false))
    socket.once('close', () => done(false))
  })
}
