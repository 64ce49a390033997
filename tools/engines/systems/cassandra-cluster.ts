import type { System } from '../system.ts'
import { cassandraArtifacts, cassandraNode } from './cassandra-node.ts'

/** Loopback addresses of the nodes: a cluster's nodes share their ports. */
export const clusterHosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3']

/** Name of a node's process, from 0. */
export const clusterNode = (index: number): string => `node${index + 1}`

/** Three nodes in one data centre (`datacenter1`), without users or TLS. One after the other they are up in 15 s on two idle cores. */
export const cassandra5Cluster: System = {
  name: 'cassandra5Cluster',
  title: 'Cassandra 5.0.9, three nodes',
  artifacts: cassandraArtifacts,
  java: 17,
  ports: ['cql', 'storage'],
  processes: clusterHosts.map((host, index) =>
    cassandraNode({
      name: clusterNode(index),
      folder: clusterNode(index),
      host,
      commitLogSync: 'batch',
      // There is nothing yet that a node would have to fetch from the others before it is one of them.
      settings: () => ({ auto_bootstrap: false }),
      jvmArgs: ['-Dcassandra.skip_wait_for_gossip_to_settle=0', '-Dcassandra.ring_delay_ms=5000'],
    }),
  ),
  address: ({ ports }) => ({
    setting: 'MILLRACE_CASSANDRA_CONTACT_POINTS',
    value: clusterHosts.map((host) => `${host}:${ports.cql}`).join(','),
  }),
  memoryMb: 1_800,
}
