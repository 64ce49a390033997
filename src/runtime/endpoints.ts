import type { Endpoints, RegistryEndpoint, TopicPolicy } from '../core/index.ts'
import type { Credentials } from './embedded.ts'
import type { Settings } from '../settings/index.ts'

export interface Embedded {
  /** Null: somebody's cluster is used. */
  kafkaPort: number | null
  cqlPort: number | null
  /** URL; null: there is none of ours. */
  registryAddress: string | null
  credentials: Credentials | null
  randomUser: Endpoints['randomUser']
}

/** Ports of parts that do not run: nobody asks there. */
export const notEmbedded: Embedded = {
  kafkaPort: 0,
  cqlPort: 0,
  registryAddress: null,
  credentials: null,
  randomUser: { url: '', is: 'local', why: '', seed: '' },
}

/** Where everything is from now on: the only place that tells ours from somebody's cluster. */
export function resolveEndpoints(settings: Settings, embedded: Embedded): Endpoints {
  const host = settings.host === '0.0.0.0' || settings.host === '::' ? '127.0.0.1' : settings.host
  const { kafkaPort, cqlPort, registryAddress, randomUser } = embedded
  const credentials = embedded.credentials && { username: embedded.credentials.username, password: embedded.credentials.password }
  const { kafka, cassandra } = settings
  const { clientTls } = cassandra.embedded
  const storeUser = cassandra.embedded.credentials ?? credentials
  return {
    kafka: kafka.remote ?? {
      bootstrapServers: [`${host}:${kafkaPort}`],
      ...(credentials ? { sasl: { mechanism: 'PLAIN', ...credentials } } : {}),
      topics: onOneNode(kafka.topics),
    },
    cassandra: cassandra.remote ?? {
      contactPoints: [`${host}:${cqlPort}`],
      localDataCenter: 'datacenter1',
      consistency: cassandra.consistency,
      readConsistency: cassandra.readConsistency,
      ...(storeUser ? { credentials: storeUser } : {}),
      ...(clientTls ? { tls: clientTls } : {}),
    },
    registry: registryEndpoint(settings, registryAddress, credentials),
    randomUser,
    projectDir: settings.projectDir,
  }
}

/** What is asked for on a cluster is had on one node as far as it goes: the same files run here. */
function onOneNode(policy: TopicPolicy): TopicPolicy {
  return { ...policy, create: 'auto', replicationFactor: -1, minInsyncReplicas: null, mostReplicas: 1 }
}

/** Somebody's registry, ours, or none. */
function registryEndpoint({ registry }: Settings, address: string | null, credentials: Credentials | null): RegistryEndpoint | null {
  if (registry.remote !== null) return registry.remote
  return address === null ? null : { url: address, ...(credentials ? { credentials } : {}) }
}
