import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemDisk } from '../platform/index.ts'

/** Where the running Millrace of a data folder answers. */
export interface ApiAddress {
  socket: string
  pid: number
}

const apiFile = (dataDir: string): string => join(dataDir, 'api.json')

export function writeApiAddress(dataDir: string, address: ApiAddress): void {
  systemDisk.replaceFile(apiFile(dataDir), JSON.stringify(address) + '\n', 0o600)
}

export function removeApiAddress(dataDir: string): void {
  rmSync(apiFile(dataDir), { force: true })
}

/** null when none was started, or it stopped in order; a killed one leaves an address that does not answer. */
export function readApiAddress(dataDir: string): ApiAddress | null {
  if (!existsSync(apiFile(dataDir))) return null
  const content: unknown = JSON.parse(readFileSync(apiFile(dataDir), 'utf8'))
  if (typeof content !== 'object' || content === null || !('socket' in content) || !('pid' in content)) return null
  const { socket, pid } = content
  return typeof socket === 'string' && typeof pid === 'number' ? { socket, pid } : null
}
