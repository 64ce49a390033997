import { formatAddress, type Address } from './address.ts'
import { CqlConnection } from './connection.ts'
import type { ConnectionOptions } from './options.ts'
import { select, textOf } from './select.ts'
import { readNodes } from './topology.ts'

/** A node that does not let us in within this time is none that the others wait for. */
const probeTimeoutMs = 1_000

/**
 * True when all nodes that can be reached have the schema that this connection's node has. A node that is down keeps its old version in
 * the others' tables until it is back, and learns of the new one then: it is left out.
 */
export async function schemaAgrees(connection: CqlConnection, options: ConnectionOptions): Promise<boolean> {
  const [own, ...peers] = await readNodes(connection, options)
  const others = peers.filter(({ schemaVersion }) => schemaVersion !== own.schemaVersion)
  const versions = await Promise.all(others.map(({ address }) => ownVersion(address, options)))
  return versions.every((version) => version === null || version === own.schemaVersion)
}

/** What a node itself says; null when it cannot be asked. */
async function ownVersion(address: Address, options: ConnectionOptions): Promise<string | null> {
  const timeoutMs = Math.min(probeTimeoutMs, options.requestTimeoutMs)
  try {
    const connection = await CqlConnection.open(address, { ...options, requestTimeoutMs: timeoutMs })
    try {
      const [row] = await select(connection, "SELECT schema_version FROM system.local WHERE key = 'local'")
      return textOf(row?.schema_version)
    } finally {
      connection.close()
    }
  } catch (error) {
    options.log.warn('a node is not waited for to have the new schema', { address: formatAddress(address), error })
    return null
  }
}
