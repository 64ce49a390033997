import type { System } from '../system.ts'
import { aloneArgs, cassandraArtifacts, cassandraNode, type CommitLogSync } from './cassandra-node.ts'

export interface CassandraOptions {
  /** Default `batch`: what was acknowledged is on the disk. */
  readonly commitLogSync?: CommitLogSync
}

/** One node without users or TLS. */
export function cassandra({ commitLogSync = 'batch' }: CassandraOptions): System {
  return {
    name: 'cassandra5',
    title: 'Cassandra 5.0.9',
    artifacts: cassandraArtifacts,
    java: 17,
    ports: ['cql', 'storage', 'jmx'],
    processes: [cassandraNode({ name: 'cassandra', host: '127.0.0.1', commitLogSync, jmxPort: 'jmx', jvmArgs: aloneArgs })],
    address: ({ ports }) => ({ setting: 'MILLRACE_CASSANDRA_CONTACT_POINTS', value: `127.0.0.1:${ports.cql}` }),
    memoryMb: 900,
  }
}

export const cassandra5 = cassandra({})
