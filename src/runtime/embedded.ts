import { plural } from '../core/index.ts'
import { connectCassandra } from '../cql-client/index.ts'
import { connectKafka } from '../kafka-client/index.ts'
import { messageOf, MillraceError, type Logger, type Part } from '../platform/index.ts'
import type { DataFolder } from './data-folder.ts'
import type { Settings } from '../settings/index.ts'

export interface Credentials {
  username: string
  password: string
}

/** The broker on its worker thread, or null when the settings name a real cluster. */
export async function startEmbeddedBroker(
  settings: Settings,
  folder: DataFolder,
  credentials: Credentials | null,
  log: Logger,
): Promise<{ part: Part; port: number; recoveredRecords: number } | null> {
  if (settings.kafka.remote !== null) return null
  const { startBrokerThread } = await import('../broker/index.ts')
  const listener = {
    host: settings.host,
    port: settings.kafka.port,
    advertisedHost: settings.advertisedHost,
    ...(credentials ? { credentials: { username: credentials.username, password: credentials.password } } : {}),
  }
  const broker = await startBrokerThread({ dataDir: folder.kafkaDir, listeners: [listener], log: log.child('broker') }).catch(
    async (error: unknown) => {
      throw await explainBusyPort(error, {
        what: 'Kafka',
        variable: 'MILLRACE_KAFKA_PORT',
        use: 'MILLRACE_KAFKA_BOOTSTRAP_SERVERS',
        probe: probeKafka,
      })
    },
  )
  return { part: broker, port: broker.listeners[0]?.port ?? settings.kafka.port, recoveredRecords: broker.recovered.records }
}

/** The table store on its worker thread, or null when the settings name a real cluster. */
export async function startEmbeddedStore(
  settings: Settings,
  folder: DataFolder,
  credentials: Credentials | null,
  log: Logger,
): Promise<{ part: Part; port: number } | null> {
  if (settings.cassandra.remote !== null) return null
  const { tls } = settings.cassandra.embedded
  const user = settings.cassandra.embedded.credentials ?? credentials
  const { startCqlStoreThread } = await import('../cql-store/index.ts')
  const store = await startCqlStoreThread({
    dataDir: folder.tablesDir,
    host: settings.host,
    port: settings.cassandra.port,
    advertisedHost: settings.advertisedHost,
    ...(user ? { credentials: { username: user.username, password: user.password } } : {}),
    ...(tls ? { tls } : {}),
    log: log.child('cql-store'),
  }).catch(async (error: unknown) => {
    throw await explainBusyPort(error, {
      what: 'CQL',
      variable: 'MILLRACE_CQL_PORT',
      use: 'MILLRACE_CASSANDRA_CONTACT_POINTS',
      probe: probeCql,
    })
  })
  return { part: store, port: store.port }
}

export interface BusyPort {
  what: string
  /** Variable that moves ours elsewhere. */
  variable: string
  /** Variable that uses what is there. */
  use: string
  /** What that variable takes; default the address as it is. */
  useAs?: (address: string) => string
  probe: (address: string) => Promise<string | null>
}

/** Says what answers on a busy port, and how to use it or another one. */
export async function explainBusyPort(error: unknown, options: BusyPort): Promise<unknown> {
  if (!(error instanceof MillraceError) || error.code !== 'PORT_BUSY') return error
  const { port } = error.details
  const address = `127.0.0.1:${port}`
  const there = await options.probe(address).catch(() => null)
  const found = there === null ? `something that does not answer as ${options.what}` : there
  const useIt = there === null ? '' : ` Use it with ${options.use}=${options.useAs?.(address) ?? address}, or`
  const another = `${useIt === '' ? 'Choose' : 'choose'} another port with ${options.variable} (0 for any free one).`
  return new MillraceError('PORT_BUSY', `Port ${port} is taken by ${found}.${useIt} ${another}`, { cause: error, details: error.details })
}

export async function probeKafka(address: string): Promise<string | null> {
  try {
    await using kafka = await connectKafka({
      bootstrapServers: [address],
      clientId: 'millrace.probe',
      connectTimeoutMs: 1_000,
      requestTimeoutMs: 1_000,
    })
    const { clusterId, topics } = await kafka.admin.metadata()
    return `a Kafka broker (cluster ${clusterId ?? 'without a name'}, ${topics.length} ${plural(topics.length, 'topic')})`
  } catch (error) {
    return error instanceof MillraceError && error.code === 'AUTHENTICATION_FAILED' ? 'a Kafka broker that asks for credentials' : null
  }
}

export async function probeCql(address: string): Promise<string | null> {
  try {
    await using session = await connectCassandra({ contactPoints: [address], localDataCenter: 'datacenter1', requestTimeoutMs: 1_000 })
    const { rows } = await session.query('SELECT cluster_name, release_version FROM system.local')
    return `a CQL server (${String(rows[0]?.cluster_name)}, version ${String(rows[0]?.release_version)})`
  } catch (error) {
    return /authenticat|credentials/i.test(messageOf(error)) ? 'a CQL server that asks for credentials' : null
  }
}
