import { Kept, type DataSystems } from '../api-server/index.ts'
import type { Endpoints, Project } from '../core/index.ts'
import { createRegistryClient } from '../registry-client/index.ts'
import type { Clients } from './clients.ts'
import { topicValues } from './topic-values.ts'

/** What the API browses: one connection to each system, opened at the first question, and values as the registry's schemas say. */
export interface Browsing {
  readonly systems: DataSystems
  close(): Promise<void>
}

export function createBrowsing(options: {
  clients: Clients
  endpoints: Pick<Endpoints, 'registry'>
  clientId: string
  project: () => Project
}): Browsing {
  const { clients, endpoints, clientId, project } = options
  const kafka = new Kept(() => clients.kafka({ clientId }))
  const cassandra = new Kept(() => clients.cassandra())
  const registry = endpoints.registry && createRegistryClient(endpoints.registry)
  return {
    systems: {
      kafka: () => kafka.get(),
      cassandra: () => cassandra.get(),
      values: topicValues(registry, (topic) => project().topics.some(({ name }) => name === topic)),
    },
    close: async () => {
      registry?.close()
      await Promise.all([kafka.close(), cassandra.close()])
    },
  }
}
