import { createOauthTokens, kafkaOptions } from '../connectors/index.ts'
import type { KafkaEndpoint } from '../core/index.ts'
import { connectKafka, type KafkaClient } from '../kafka-client/index.ts'
import type { Logger } from '../platform/index.ts'
import { callTokenFunction } from './token-function.ts'

/** This process's tokens: user code runs here, so the author's function is called in place. */
const tokens = createOauthTokens(callTokenFunction)

/** A client of the endpoint for a child process. */
export function openKafka(endpoint: KafkaEndpoint, options: { clientId: string; log: Logger; signal: AbortSignal }): Promise<KafkaClient> {
  return connectKafka({ ...kafkaOptions(endpoint, tokens), ...options })
}
