import { cassandraOptions, kafkaOptions } from '../connectors/index.ts'
import type { Endpoints } from '../core/index.ts'
import { connectCassandra, type CassandraConnectOptions, type CassandraSession } from '../cql-client/index.ts'
import { connectKafka, type KafkaClient, type KafkaConnectOptions } from '../kafka-client/index.ts'
import { createTokenProcess, type TokenProcessOptions } from './children/token-process.ts'

/** Opens clients of the systems that the endpoints name, for a process that runs no user code. */
export interface Clients extends AsyncDisposable {
  kafka(options: Pick<KafkaConnectOptions, 'clientId' | 'log' | 'signal' | 'connectTimeoutMs' | 'requestTimeoutMs'>): Promise<KafkaClient>
  cassandra(options?: Pick<CassandraConnectOptions, 'log' | 'signal' | 'requestTimeoutMs'>): Promise<CassandraSession>
  /** Ends the process that gives tokens, if one was needed; clients are closed by whoever opened them. */
  close(): Promise<void>
}

export function createClients(endpoints: Pick<Endpoints, 'kafka' | 'cassandra'>, options: TokenProcessOptions): Clients {
  const tokens = createTokenProcess(options)
  return {
    kafka: (own) => connectKafka({ ...kafkaOptions(endpoints.kafka, tokens.tokens), ...own }),
    cassandra: (own = {}) => connectCassandra({ ...cassandraOptions(endpoints.cassandra), ...own }),
    close: () => tokens.close(),
    [Symbol.asyncDispose]: () => tokens.close(),
  }
}
