import { cassandraOptions, kafkaOptions, type OauthTokens } from '../connectors/index.ts'
import type { Endpoints, KafkaEndpoint } from '../core/index.ts'
import { connectCassandra, type CassandraConnectOptions, type CassandraSession } from '../cql-client/index.ts'
import { connectKafka, type KafkaClient, type KafkaConnectOptions } from '../kafka-client/index.ts'
import { createTokenProcess, type TokenProcessOptions } from './children/token-process.ts'

/** Opens clients of the systems that the endpoints name, for a process that runs no user code. */
export interface Clients extends AsyncDisposable {
  kafka(options: Pick<KafkaConnectOptions, 'clientId' | 'log' | 'signal' | 'connectTimeoutMs' | 'requestTimeoutMs'>): Promise<KafkaClient>
  cassandra(options?: Pick<CassandraConnectOptions, 'log' | 'signal' | 'requestTimeoutMs'>): Promise<CassandraSession>
  /**
   * The endpoint as another process can use it at once: with a token in place of the author's function, which may need this
   * process's environment. Throws what the function throws.
   */
  kafkaWithToken(): Promise<KafkaEndpoint>
  /** Ends the process that gives tokens, if one was needed; clients are closed by whoever opened them. */
  close(): Promise<void>
}

export function createClients(endpoints: Pick<Endpoints, 'kafka' | 'cassandra'>, options: TokenProcessOptions): Clients {
  const tokens = createTokenProcess(options)
  return {
    kafka: (own) => connectKafka({ ...kafkaOptions(endpoints.kafka, tokens.tokens), ...own }),
    cassandra: (own = {}) => connectCassandra({ ...cassandraOptions(endpoints.cassandra), ...own }),
    kafkaWithToken: () => withToken(endpoints.kafka, tokens.tokens),
    close: () => tokens.close(),
    [Symbol.asyncDispose]: () => tokens.close(),
  }
}

async function withToken(endpoint: KafkaEndpoint, tokens: OauthTokens): Promise<KafkaEndpoint> {
  const { sasl } = endpoint
  if (sasl?.mechanism !== 'OAUTHBEARER' || sasl.token.from !== 'function') return endpoint
  const { value, extensions } = await tokens(sasl.token)
  const token = { from: 'text', text: value } as const
  return { ...endpoint, sasl: { mechanism: 'OAUTHBEARER', token, extensions: { ...sasl.extensions, ...extensions } } }
}
