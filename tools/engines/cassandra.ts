import { readFileSync } from 'node:fs'
import { connectCassandra } from '../../src/cql-client/index.ts'
import { MillraceError, systemClock } from '../../src/platform/index.ts'
import { certificatesOf } from './certificate-files.ts'
import { startSystem } from './start.ts'
import type { Engine } from './system.ts'
import {
  cassandra,
  cassandra5Cluster,
  cassandraSecured,
  clusterHosts,
  clusterNode,
  limitedRole,
  superuser,
  type CassandraOptions,
} from './systems/index.ts'

const GOSSIP_WITHIN_MS = 60_000

export interface CassandraEngine extends Engine {
  /** `host:port`, as MILLRACE_CASSANDRA_CONTACT_POINTS takes it. */
  readonly contactPoint: string
}

/** Names and passwords are of this start only (P8). */
export interface SecuredCassandraEngine extends CassandraEngine {
  /** May do everything. */
  readonly superuser: { readonly username: string; readonly password: string }
  /** May do nothing until it is granted. */
  readonly limited: { readonly username: string; readonly password: string }
  /** PEM texts: the authority of its certificate, and a client's certificate with its key. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
}

export interface CassandraClusterEngine extends Engine {
  /** One for each node, by its index. */
  readonly contactPoints: readonly string[]
  /** `kill -9`; the other nodes go on. */
  killNode(index: number): Promise<void>
  /** Starts a node that was killed, or has not been started yet. */
  startNode(index: number): Promise<void>
}

export async function startCassandra(options: CassandraOptions = {}): Promise<CassandraEngine> {
  const engine = await startSystem(cassandra(options))
  return Object.assign(engine, { contactPoint: engine.address.value })
}

export async function startSecuredCassandra({ requireClientCertificate = true } = {}): Promise<SecuredCassandraEngine> {
  const engine = await startSystem(cassandraSecured({ requireClientCertificate }))
  const { ca, clientCert, clientKey } = certificatesOf(engine.dir)
  const read = (path: string): string => readFileSync(path, 'utf8')
  return Object.assign(engine, {
    contactPoint: engine.address.value,
    superuser: { username: superuser, password: engine.secrets.superuserPassword ?? '' },
    limited: { username: limitedRole, password: engine.secrets.limitedPassword ?? '' },
    tls: { ca: read(ca), cert: read(clientCert), key: read(clientKey) },
  })
}

/** @param nodes how many are started at first; `startNode` adds the others */
export async function startCassandraCluster({ nodes = clusterHosts.length } = {}): Promise<CassandraClusterEngine> {
  const later = clusterHosts.map((_, index) => clusterNode(index)).slice(nodes)
  const engine = await startSystem(cassandra5Cluster, { later })
  const contactPoints = clusterHosts.map((host) => `${host}:${engine.ports.cql}`)
  try {
    await Promise.all(contactPoints.slice(0, nodes).map((contactPoint) => knowsItsPeers(contactPoint, nodes - 1)))
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
  return Object.assign(engine, {
    contactPoints,
    killNode: (index: number) => engine.endProcess(clusterNode(index)),
    startNode: (index: number) => engine.startProcess(clusterNode(index)),
  })
}

/** Waits until a node has heard of all the others, which it does after it says that it is up. */
async function knowsItsPeers(contactPoint: string, peers: number): Promise<void> {
  await using session = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: 'datacenter1' })
  const deadlineMs = systemClock.monotonicMs() + GOSSIP_WITHIN_MS
  for (;;) {
    // A query by the driver may go to any node; this one goes to that of the session.
    const known = await session.count('system', 'peers_v2')
    if (known === peers) return
    if (systemClock.monotonicMs() > deadlineMs) throw new MillraceError('TIMED_OUT', `${contactPoint} knows ${known} other nodes only.`)
    await systemClock.sleep(200)
  }
}
