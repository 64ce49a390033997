import type { KafkaEndpoint, OauthToken, TokenSource } from '../../core/index.ts'
import type { KafkaConnectOptions } from '../../kafka-client/index.ts'

/** Gives a token of a source, a fresh one when the last is about to end: each process has its own way to call the author's function. */
export type OauthTokens = (source: TokenSource) => Promise<OauthToken>

/** The one mapping from an endpoint to the client's options: whoever opens a client goes through here. */
export function kafkaOptions(endpoint: KafkaEndpoint, tokens: OauthTokens): Pick<KafkaConnectOptions, 'bootstrapServers' | 'tls' | 'sasl'> {
  const { bootstrapServers, tls, sasl } = endpoint
  const base = { bootstrapServers, ...(tls ? { tls } : {}) }
  if (sasl === undefined) return base
  if (sasl.mechanism !== 'OAUTHBEARER') return { ...base, sasl }
  const { token: source, extensions } = sasl
  const token = async (): Promise<OauthToken> => {
    const given = await tokens(source)
    return { ...given, extensions: { ...extensions, ...given.extensions } }
  }
  return { ...base, sasl: { mechanism: 'OAUTHBEARER', token } }
}
