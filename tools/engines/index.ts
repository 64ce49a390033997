import { startCassandra, startCassandraCluster, startSecuredCassandra } from './cassandra.ts'
import { startKafka, startKafkaCluster, startSecuredKafka, type KafkaEngine } from './kafka.ts'
import { missing } from './requirements.ts'
import { startSystem, type StartOptions } from './start.ts'
import type { Engine } from './system.ts'
import { apicurio, kafka3, kafka4, postgres15, spark35, sparkHome } from './systems/index.ts'

export type { Engine } from './system.ts'
export type { CassandraClusterEngine, CassandraEngine, SecuredCassandraEngine } from './cassandra.ts'
export type { KafkaClusterEngine, KafkaCredentials, KafkaEngine, SecuredKafkaEngine } from './kafka.ts'

type TestOptions = Pick<StartOptions, 'advertised'>

export interface PostgresEngine extends Engine {
  /** `postgres://user:password@127.0.0.1:port/postgres`, as MILLRACE_METADATA_URL takes it; the password is of this start only (P8). */
  readonly url: string
}

export interface RegistryEngine extends Engine {
  /** Of Confluent's REST API, as MILLRACE_REGISTRY_URL takes it. */
  readonly url: string
}

export interface SparkEngine extends Engine {
  /** `spark://host:port` */
  readonly master: string
  /** Its folder: `<sparkHome>/bin/spark-sql` and its kind. */
  readonly sparkHome: string
}

/** Real systems, each started on free ports of 127.0.0.1 with a new folder: `await using kafka = await engines.kafka4()`. */
export const engines = {
  /** What this machine lacks to run them and how to get it; null when it lacks nothing. */
  missing,
  /** Kafka 4 in KRaft mode, one node. */
  kafka4: (options?: TestOptions): Promise<KafkaEngine> => startKafka(kafka4, options),
  /** One node with TLS, mTLS, every SASL mechanism and rights. */
  kafka4Secured: startSecuredKafka,
  /** Three brokers and a controller; each broker can be killed and started again. */
  kafka4Cluster: startKafkaCluster,
  /** Kafka 3.9 on ZooKeeper, one node each. */
  kafka3: (options?: TestOptions): Promise<KafkaEngine> => startKafka(kafka3, options),
  /** One node. What it acknowledged is on its disk, unless `commitLogSync: 'periodic'`. */
  cassandra5: startCassandra,
  /** One node with users, rights and mTLS; without client certificates by `requireClientCertificate: false`. */
  cassandra5Secured: startSecuredCassandra,
  /** Three nodes, on 127.0.0.1 to 127.0.0.3; each can be killed and started again. */
  cassandra5Cluster: startCassandraCluster,
  postgres15: async (): Promise<PostgresEngine> => {
    const engine = await startSystem(postgres15)
    return Object.assign(engine, { url: engine.address.value })
  },
  /** A second registry that clients must work with; its verdicts on compatibility count, its bytes are not Confluent's. */
  apicurio: async (): Promise<RegistryEngine> => {
    const engine = await startSystem(apicurio)
    return Object.assign(engine, { url: engine.address.value })
  },
  /** A master and a worker, with the connectors for Kafka and Cassandra. 700 MB in the cache: only for suites that are asked for by name. */
  spark35: async (): Promise<SparkEngine> => {
    const engine = await startSystem(spark35)
    return Object.assign(engine, { master: engine.address.value, sparkHome: sparkHome(engine) })
  },
}
