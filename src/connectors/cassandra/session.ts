import type { Endpoints } from '../../core/index.ts'
import type { CassandraSession } from '../../cql-client/index.ts'
import type { Logger } from '../../platform/index.ts'

/** A session with the endpoint; the client is loaded here, so that importing this room loads nothing heavy. */
export async function openSession(
  endpoint: Endpoints['cassandra'],
  { log, signal }: { log?: Logger | undefined; signal?: AbortSignal | undefined },
): Promise<CassandraSession> {
  const { connectCassandra } = await import('../../cql-client/index.ts')
  const { contactPoints, localDataCenter, consistency, credentials } = endpoint
  return connectCassandra({
    contactPoints,
    localDataCenter,
    consistency,
    ...(credentials ? { credentials } : {}),
    ...(log ? { log } : {}),
    ...(signal ? { signal } : {}),
  })
}
