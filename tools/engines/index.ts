import { missing } from './requirements.ts'
import { startSystem } from './start.ts'
import type { Engine } from './system.ts'
import { cassandra5, kafka3, kafka4 } from './systems/index.ts'

export type { Engine } from './system.ts'

export interface KafkaEngine extends Engine {
  /** `host:port`, as MILLRACE_KAFKA_BOOTSTRAP_SERVERS takes it. */
  readonly bootstrapServers: string
}

export interface CassandraEngine extends Engine {
  /** `host:port`, as MILLRACE_CASSANDRA_CONTACT_POINTS takes it. */
  readonly contactPoint: string
}

async function startKafka(system: typeof kafka4): Promise<KafkaEngine> {
  const engine = await startSystem(system)
  return Object.assign(engine, { bootstrapServers: engine.address.value })
}

/** Real systems, each started on free ports of 127.0.0.1 with a new folder: `await using kafka = await engines.kafka4()`. */
export const engines = {
  /** What this machine lacks to run them and how to get it; null when it lacks nothing. */
  missing,
  /** Kafka 4 in KRaft mode, one node. */
  kafka4: (): Promise<KafkaEngine> => startKafka(kafka4),
  /** Kafka 3.9 on ZooKeeper, one node each. */
  kafka3: (): Promise<KafkaEngine> => startKafka(kafka3),
  cassandra5: async (): Promise<CassandraEngine> => {
    const engine = await startSystem(cassandra5)
    return Object.assign(engine, { contactPoint: engine.address.value })
  },
}
