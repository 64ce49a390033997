import type { System } from '../system.ts'
import { apicurio } from './apicurio.ts'
import { cassandra5 } from './cassandra.ts'
import { cassandra5Cluster } from './cassandra-cluster.ts'
import { cassandra5Secured } from './cassandra-secured.ts'
import { kafka3, kafka4 } from './kafka.ts'
import { kafka4Cluster } from './kafka-cluster.ts'
import { kafka4Secured } from './kafka-secured.ts'
import { postgres15 } from './postgres.ts'
import { spark35 } from './spark.ts'

const all = [kafka4, kafka4Secured, kafka4Cluster, kafka3, cassandra5, cassandra5Secured, cassandra5Cluster, postgres15, apicurio, spark35]

/** Every system there is, by name. */
export const systems: ReadonlyMap<string, System> = new Map(all.map((system) => [system.name, system]))
export { sparkHome } from './spark.ts'
export { cassandra, type CassandraOptions } from './cassandra.ts'
export { clusterHosts, clusterNode } from './cassandra-cluster.ts'
export { cassandraSecured, limitedRole, superuser } from './cassandra-secured.ts'
export { brokerAddress, clusterBroker, clusterSize } from './kafka-cluster.ts'
export { kafkaAdmin, limitedPrefix, limitedUser, oddPassword, oddUser, tokenAudience, tokenIssuer } from './kafka-secured.ts'
export { apicurio, cassandra5, cassandra5Cluster, kafka3, kafka4, kafka4Cluster, kafka4Secured, postgres15, spark35 }
