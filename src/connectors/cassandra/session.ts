import type { CassandraEndpoint } from '../../core/index.ts'
import type { CassandraConnectOptions, CassandraSession } from '../../cql-client/index.ts'
import type { Logger } from '../../platform/index.ts'

/** A session with the endpoint; the client is loaded here, so that importing this room loads nothing heavy. */
export async function openSession(
  endpoint: CassandraEndpoint,
  { log, signal }: { log?: Logger | undefined; signal?: AbortSignal | undefined },
): Promise<CassandraSession> {
  const { connectCassandra } = await import('../../cql-client/index.ts')
  return connectCassandra({ ...cassandraOptions(endpoint), ...(log ? { log } : {}), ...(signal ? { signal } : {}) })
}

/** The one mapping from an endpoint to the client's options: whoever opens a session goes through here. */
export function cassandraOptions(endpoint: CassandraEndpoint): Omit<CassandraConnectOptions, 'log' | 'signal'> {
  const { contactPoints, localDataCenter, consistency, readConsistency, credentials, tls, secureBundle } = endpoint
  return {
    contactPoints,
    localDataCenter,
    consistency,
    ...(readConsistency ? { readConsistency } : {}),
    ...(credentials ? { credentials } : {}),
    ...(tls ? { tls } : {}),
    ...(secureBundle === undefined ? {} : { secureBundle }),
  }
}
