import { isAbsolute, join } from 'node:path'
import type {
  CassandraEndpoint,
  KafkaEndpoint,
  RegistryEndpoint,
  SaslEndpoint,
  TlsEndpoint,
  TokenSource,
  TopicPolicy,
} from '../core/index.ts'
import { isLoopback, parseHostPort } from '../platform/index.ts'
import type { ParsedConfig } from './config-schema.ts'
import type { SecretReader } from './secrets.ts'

type KafkaSection = NonNullable<ParsedConfig['kafka']>
type RegistrySection = NonNullable<ParsedConfig['registry']>
type CassandraSection = NonNullable<ParsedConfig['cassandra']>

/** Somebody's Kafka with its secrets resolved; null when the config names none, and then no secret is asked for. */
export function remoteKafka(kafka: KafkaSection, topics: TopicPolicy, secrets: SecretReader): KafkaEndpoint | null {
  const { bootstrapServers, tls, sasl } = kafka
  if (bootstrapServers === undefined) {
    warnOfUnused(secrets, { 'kafka.tls': tls, 'kafka.sasl': sasl }, 'kafka.bootstrapServers', 'the embedded broker')
    return null
  }
  if (sasl !== undefined && tls === undefined && sasl.mechanism !== 'SCRAM-SHA-256' && sasl.mechanism !== 'SCRAM-SHA-512')
    warnOfPlaintext(secrets, 'kafka.tls is not set', sasl.mechanism === 'PLAIN' ? 'the password' : 'the token', bootstrapServers)
  return {
    bootstrapServers,
    ...(tls ? { tls: tlsEndpoint(tls, 'kafka.tls', secrets) } : {}),
    ...(sasl ? { sasl: saslEndpoint(sasl, secrets) } : {}),
    topics,
  }
}

/** Somebody's Cassandra with its secrets resolved; null when the config names none. */
export function remoteCassandra(
  cassandra: CassandraSection,
  tables: Pick<CassandraEndpoint, 'localDataCenter' | 'consistency' | 'readConsistency'>,
  secrets: SecretReader,
  projectDir: string,
): CassandraEndpoint | null {
  const { contactPoints, credentials, tls, secureBundle, embedded } = cassandra
  if (contactPoints === undefined && secureBundle === undefined) {
    // Of an embedded store with TLS it says how Millrace's own clients know it.
    const unused = { 'cassandra.tls': embedded?.tls ? undefined : tls, 'cassandra.credentials': credentials }
    warnOfUnused(secrets, unused, 'cassandra.contactPoints', 'the embedded table store')
    return null
  }
  if (embedded !== undefined) secrets.warnings.push('cassandra.embedded not used: the Cassandra of cassandra.contactPoints is.')
  if (credentials !== undefined && tls === undefined && secureBundle === undefined)
    warnOfPlaintext(secrets, 'cassandra.tls is not set', 'the password', contactPoints ?? [])
  return {
    contactPoints: contactPoints ?? [],
    ...tables,
    ...(credentials ? { credentials: userAndPassword(credentials, 'cassandra.credentials', secrets) } : {}),
    ...(tls ? { tls: tlsEndpoint(tls, 'cassandra.tls', secrets) } : {}),
    ...(secureBundle === undefined ? {} : { secureBundle: isAbsolute(secureBundle) ? secureBundle : join(projectDir, secureBundle) }),
  }
}

/**
 * Somebody's schema registry with its secrets resolved; null when the config names none.
 * @param url checked: it is shown
 */
export function remoteRegistry({ tls, credentials }: RegistrySection, url: string | null, secrets: SecretReader): RegistryEndpoint | null {
  if (url === null) {
    warnOfUnused(secrets, { 'registry.tls': tls, 'registry.credentials': credentials }, 'registry.url', 'the embedded registry')
    return null
  }
  const { protocol, host } = new URL(url)
  if (credentials !== undefined && protocol === 'http:') warnOfPlaintext(secrets, 'registry.url is not https', 'the password', [host])
  return {
    url: url.replace(/\/+$/, ''),
    ...(credentials ? { credentials: userAndPassword(credentials, 'registry.credentials', secrets) } : {}),
    ...(tls ? { tls: tlsEndpoint(tls, 'registry.tls', secrets) } : {}),
  }
}

export function tlsEndpoint(tls: NonNullable<KafkaSection['tls']>, key: string, secrets: SecretReader): TlsEndpoint {
  const { ca, cert, key: ownKey, passphrase, serverName, verifyHostname } = tls
  return {
    ...(ca === undefined ? {} : { ca: secrets.pem(ca, { key: `${key}.ca`, isSensitive: false }) }),
    ...(cert === undefined ? {} : { cert: secrets.pem(cert, { key: `${key}.cert`, isSensitive: false }) }),
    ...(ownKey === undefined ? {} : { key: secrets.pem(ownKey, { key: `${key}.key`, isSensitive: true }) }),
    ...(passphrase === undefined ? {} : { passphrase: secrets.text(passphrase, { key: `${key}.passphrase`, isSensitive: true }) }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(verifyHostname === undefined ? {} : { verifyHostname }),
  }
}

function saslEndpoint(sasl: NonNullable<KafkaSection['sasl']>, secrets: SecretReader): SaslEndpoint {
  if (sasl.mechanism !== 'OAUTHBEARER') return { mechanism: sasl.mechanism, ...userAndPassword(sasl, 'kafka.sasl', secrets) }
  return { mechanism: 'OAUTHBEARER', token: tokenSource(sasl.token, secrets), extensions: sasl.extensions ?? {} }
}

export function userAndPassword(
  from: { username: Parameters<SecretReader['text']>[0]; password: Parameters<SecretReader['text']>[0] },
  key: string,
  secrets: SecretReader,
): { username: string; password: string } {
  return {
    username: secrets.text(from.username, { key: `${key}.username`, isSensitive: false }),
    password: secrets.text(from.password, { key: `${key}.password`, isSensitive: true }),
  }
}

type TokenConfig = Extract<NonNullable<KafkaSection['sasl']>, { mechanism: 'OAUTHBEARER' }>['token']

/** A file is not read here but before each use: whoever renews tokens writes it anew. That it is there is asked for now. */
function tokenSource(token: TokenConfig, secrets: SecretReader): TokenSource {
  if (typeof token === 'object' && 'function' in token)
    return { from: 'function', fn: { module: '', export: 'default', node: token.function, digest: '' } }
  const text = secrets.text(token, { key: 'kafka.sasl.token', isSensitive: true })
  return typeof token === 'object' && token.secret === 'file' ? { from: 'file', path: secrets.path(token) } : { from: 'text', text }
}

function warnOfUnused(secrets: SecretReader, sections: Record<string, unknown>, needs: string, instead: string): void {
  const unused = Object.entries(sections).flatMap(([key, value]) => (value === undefined ? [] : [key]))
  if (unused.length > 0) secrets.warnings.push(`${unused.join(' and ')} not used: without ${needs} ${instead} is used, which needs none.`)
}

function warnOfPlaintext(secrets: SecretReader, why: string, what: string, addresses: readonly string[]): void {
  const away = addresses.find((address) => !isLoopback(parseHostPort(address, 0).host))
  if (away !== undefined) secrets.warnings.push(`${why}: ${what} goes to ${away} unencrypted.`)
}
