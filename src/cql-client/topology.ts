import { MillraceError } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'
import type { CqlValue } from '../cql-wire/index.ts'
import type { CqlConnection } from './connection.ts'
import type { ConnectionOptions } from './options.ts'
import { select, textOf, textsOf } from './select.ts'

export interface ClusterNode {
  address: Address
  dataCenter: string
  tokens: bigint[]
  /** As the node that was asked knows it: a node that is down stands with its last one. '' while it is not known. */
  schemaVersion: string
}

type Where = Pick<ConnectionOptions, 'localDataCenter' | 'bundle'>

/** The nodes of the local data centre, the connection's own node first when it is one. CONFIG_INVALID when there is none. */
export async function readTopology(connection: CqlConnection, where: Where): Promise<ClusterNode[]> {
  const nodes = await readNodes(connection, where)
  const near = nodes.filter((node) => node.dataCenter === where.localDataCenter)
  if (near.length > 0) return near
  const known = [...new Set(nodes.map((node) => node.dataCenter))].join(', ')
  throw new MillraceError(
    'CONFIG_INVALID',
    `No Cassandra node is in data centre "${where.localDataCenter}": ${formatAddress(connection.address)} knows ${known}.`,
  )
}

/** The nodes of all data centres; the connection's own is the first. */
export async function readNodes(
  connection: CqlConnection,
  { bundle }: Pick<ConnectionOptions, 'bundle'>,
): Promise<[ClusterNode, ...ClusterNode[]]> {
  const [local] = await select(connection, "SELECT data_center, tokens, schema_version FROM system.local WHERE key = 'local'")
  return [nodeOf(local ?? {}, connection.address), ...(await readPeers(connection, bundle?.proxy ?? null))]
}

const peerColumns = 'data_center, tokens, host_id, schema_version'

/** @param proxy all nodes are reached through it, each by its host id */
async function readPeers(connection: CqlConnection, proxy: Address | null): Promise<ClusterNode[]> {
  const rows = await select(connection, `SELECT ${peerColumns}, native_address, native_port FROM system.peers_v2`).catch(
    (error: unknown) => {
      // Cassandra 3 and Scylla have no peers_v2; their nodes all listen on one port.
      if (error instanceof MillraceError && error.code === 'CQL') return null
      throw error
    },
  )
  const peers = rows ?? (await select(connection, `SELECT ${peerColumns}, peer, rpc_address FROM system.peers`))
  return peers.flatMap((row) => {
    const address = proxy ? { ...proxy, serverName: textOf(row.host_id) } : addressOf(row, connection.address.port)
    // A node that is on its way in has neither yet.
    return address.host === '' || address.serverName === '' ? [] : [nodeOf(row, address)]
  })
}

function addressOf(row: Record<string, CqlValue>, defaultPort: number): Address {
  const listening = textOf(row.native_address) || textOf(row.rpc_address)
  const host = listening === '0.0.0.0' || listening === '::' ? textOf(row.peer) : listening
  return { host, port: typeof row.native_port === 'number' ? row.native_port : defaultPort }
}

function nodeOf(row: Record<string, CqlValue>, address: Address): ClusterNode {
  return {
    address,
    dataCenter: textOf(row.data_center),
    tokens: textsOf(row.tokens).map(BigInt),
    schemaVersion: textOf(row.schema_version),
  }
}

/** Token ranges → owner, for one data centre: its first node clockwise is a replica whatever the replication factor is. */
export class Ring {
  readonly #tokens: BigInt64Array
  readonly #owners: number[]

  constructor(tokensOfNode: readonly (readonly bigint[])[]) {
    const entries = tokensOfNode.flatMap((tokens, node) => tokens.map((token) => ({ token, node })))
    entries.sort((a, b) => (a.token < b.token ? -1 : a.token > b.token ? 1 : 0))
    this.#tokens = BigInt64Array.from(entries, (entry) => entry.token)
    this.#owners = entries.map((entry) => entry.node)
  }

  /** Position of the node that owns `token`: that of the first token at or after it, round the ring. */
  ownerOf(token: bigint): number {
    let low = 0
    let high = this.#tokens.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#tokens[middle] ?? 0n) < token) low = middle + 1
      else high = middle
    }
    return this.#owners[low] ?? this.#owners[0] ?? 0
  }
}
