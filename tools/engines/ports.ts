import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { listenTcp, MillraceError, processIsAlive } from '../../src/platform/index.ts'
import { cacheDir } from './cache.ts'

/** Below the ports that the kernel gives to outgoing connections: what is free stays free until the server takes it, and over a restart. */
const LOWEST = 20_000
const HIGHEST = 32_000

/** A free port for each name. Each is this process's until it is released or the process has ended, so that two that look at once do not get the same. */
export async function takePorts(names: readonly string[]): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const name of names) ports[name] = await takePort()
  return ports
}

export function releasePorts(ports: Readonly<Record<string, number>>): void {
  for (const port of Object.values(ports)) rmSync(claimPath(port), { force: true })
}

async function takePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (!claim(port)) continue
    if (await isFree(port)) return port
    releasePorts({ port })
  }
  throw new MillraceError('PORT_BUSY', `No free port was found between ${LOWEST} and ${HIGHEST}.`)
}

const claimPath = (port: number): string => join(cacheDir(), 'ports', String(port))

/** A file that only one can make, with its owner's process id. */
function claim(port: number): boolean {
  const path = claimPath(port)
  mkdirSync(dirname(path), { recursive: true })
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    // Of an owner that is gone it is removed; the next who draws this port gets it.
    if (!processIsAlive(ownerOf(path))) rmSync(path, { force: true })
    return false
  }
}

/** The owner of a file that is just being written is not known yet: it is alive. */
function ownerOf(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8') || process.pid)
  } catch {
    return process.pid
  }
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

/** True when the server there answers anything to `request`. */
export function answers({ host, port }: { host: string; port: number }, request: Uint8Array, withinMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
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
