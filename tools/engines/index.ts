import { missing } from './requirements.ts'
import { startSystem, type StartOptions } from './start.ts'
import type { Engine } from './system.ts'
import { cassandra5, kafka3, kafka4, postgres15 } from './systems/index.ts'

export type { Engine } from './system.ts'

export interface KafkaEngine extends Engine {
  /** `host:port`, as MILLRACE_KAFKA_BOOTSTRAP_SERVERS takes it. */
  readonly bootstrapServers: string
}

export interface CassandraEngine extends Engine {
  /** `host:port`, as MILLRACE_CASSANDRA_CONTACT_POINTS takes it. */
  readonly contactPoint: string
}

type TestOptions = Pick<StartOptions, 'advertised'>

export interface PostgresEngine extends Engine {
  /** `postgres://user:password@127.0.0.1:port/postgres`, as MILLRACE_METADATA_URL takes it; the password is of this start only (P8). */
  readonly url: string
}

async function startKafka(system: typeof kafka4, options?: TestOptions): Promise<KafkaEngine> {
  const engine = await startSystem(system, options)
  return Object.assign(engine, { bootstrapServers: engine.address.value })
}

/** Real systems, each started on free ports of 127.0.0.1 with a new folder: `await using kafka = await engines.kafka4()`. */
export const engines = {
  /** What this machine lacks to run them and how to get it; null when it lacks nothing. */
  missing,
  /** Kafka 4 in KRaft mode, one node. */
  kafka4: (options?: TestOptions): Promise<KafkaEngine> => startKafka(kafka4, options),
  /** Kafka 3.9 on ZooKeeper, one node each. */
  kafka3: (options?: TestOptions): Promise<KafkaEngine> => startKafka(kafka3, options),
  cassandra5: async (): Promise<CassandraEngine> => {
    const engine = await startSystem(cassandra5)
    return Object.assign(engine, { contactPoint: engine.address.value })
  },
  postgres15: async (): Promise<PostgresEngine> => {
    const engine = await startSystem(postgres15)
    return Object.assign(engine, { url: engine.address.value })
  },
}
