import { resolve } from 'node:path'
import type { SecretReference } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * How a variable's text becomes the config's value: `list` is separated by commas, `map` is `name=value;name=value`, `switch` turns
 * a section on (true) or off (false), `path` is relative to the working folder, `secret` stays where it is and is referred to.
 */
type Kind = 'text' | 'path' | 'number' | 'boolean' | 'list' | 'map' | 'switch' | 'secret'

export interface Variable {
  readonly name: string
  /** Path of the config's key. */
  readonly key: string
  readonly is: Kind
}

function tlsVariables(prefix: string, key: string): Variable[] {
  return [
    { name: `${prefix}_TLS`, key, is: 'switch' },
    { name: `${prefix}_TLS_CA`, key: `${key}.ca`, is: 'secret' },
    { name: `${prefix}_TLS_CERT`, key: `${key}.cert`, is: 'secret' },
    { name: `${prefix}_TLS_KEY`, key: `${key}.key`, is: 'secret' },
    { name: `${prefix}_TLS_PASSPHRASE`, key: `${key}.passphrase`, is: 'secret' },
    { name: `${prefix}_TLS_SERVER_NAME`, key: `${key}.serverName`, is: 'text' },
    { name: `${prefix}_TLS_VERIFY_HOSTNAME`, key: `${key}.verifyHostname`, is: 'boolean' },
  ]
}

/** Every variable that the settings read. A `secret` also has a variant ending in `_FILE`: the path of a file that holds it. */
export const variables: readonly Variable[] = [
  { name: 'MILLRACE_DATA_DIR', key: 'dataDir', is: 'path' },
  { name: 'MILLRACE_HOST', key: 'host', is: 'text' },
  { name: 'MILLRACE_ADVERTISED_HOST', key: 'advertisedHost', is: 'text' },
  { name: 'MILLRACE_KAFKA_PORT', key: 'kafka.port', is: 'number' },
  { name: 'MILLRACE_KAFKA_BOOTSTRAP_SERVERS', key: 'kafka.bootstrapServers', is: 'list' },
  ...tlsVariables('MILLRACE_KAFKA', 'kafka.tls'),
  { name: 'MILLRACE_KAFKA_SASL_MECHANISM', key: 'kafka.sasl.mechanism', is: 'text' },
  { name: 'MILLRACE_KAFKA_SASL_USERNAME', key: 'kafka.sasl.username', is: 'secret' },
  { name: 'MILLRACE_KAFKA_SASL_PASSWORD', key: 'kafka.sasl.password', is: 'secret' },
  { name: 'MILLRACE_KAFKA_SASL_TOKEN', key: 'kafka.sasl.token', is: 'secret' },
  { name: 'MILLRACE_KAFKA_SASL_EXTENSIONS', key: 'kafka.sasl.extensions', is: 'map' },
  { name: 'MILLRACE_KAFKA_REPLICATION_FACTOR', key: 'kafka.replicationFactor', is: 'number' },
  { name: 'MILLRACE_KAFKA_MIN_INSYNC_REPLICAS', key: 'kafka.minInsyncReplicas', is: 'number' },
  { name: 'MILLRACE_KAFKA_TOPIC_CONFIGS', key: 'kafka.topicConfigs', is: 'map' },
  { name: 'MILLRACE_KAFKA_FORMAT', key: 'kafka.format', is: 'text' },
  { name: 'MILLRACE_KAFKA_CREATE', key: 'kafka.create', is: 'text' },
  { name: 'MILLRACE_CQL_PORT', key: 'cassandra.port', is: 'number' },
  { name: 'MILLRACE_CQL_USERNAME', key: 'cassandra.embedded.credentials.username', is: 'secret' },
  { name: 'MILLRACE_CQL_PASSWORD', key: 'cassandra.embedded.credentials.password', is: 'secret' },
  { name: 'MILLRACE_CQL_TLS', key: 'cassandra.embedded.tls', is: 'switch' },
  { name: 'MILLRACE_CQL_TLS_CERT', key: 'cassandra.embedded.tls.cert', is: 'secret' },
  { name: 'MILLRACE_CQL_TLS_KEY', key: 'cassandra.embedded.tls.key', is: 'secret' },
  { name: 'MILLRACE_CQL_TLS_PASSPHRASE', key: 'cassandra.embedded.tls.passphrase', is: 'secret' },
  { name: 'MILLRACE_CQL_TLS_CLIENT_CA', key: 'cassandra.embedded.tls.clientCa', is: 'secret' },
  { name: 'MILLRACE_CASSANDRA_CONTACT_POINTS', key: 'cassandra.contactPoints', is: 'list' },
  { name: 'MILLRACE_CASSANDRA_LOCAL_DATA_CENTER', key: 'cassandra.localDataCenter', is: 'text' },
  { name: 'MILLRACE_CASSANDRA_CONSISTENCY', key: 'cassandra.consistency', is: 'text' },
  { name: 'MILLRACE_CASSANDRA_READ_CONSISTENCY', key: 'cassandra.readConsistency', is: 'text' },
  { name: 'MILLRACE_CASSANDRA_USERNAME', key: 'cassandra.credentials.username', is: 'secret' },
  { name: 'MILLRACE_CASSANDRA_PASSWORD', key: 'cassandra.credentials.password', is: 'secret' },
  ...tlsVariables('MILLRACE_CASSANDRA', 'cassandra.tls'),
  { name: 'MILLRACE_CASSANDRA_SECURE_BUNDLE', key: 'cassandra.secureBundle', is: 'path' },
  { name: 'MILLRACE_CASSANDRA_REPLICATION', key: 'cassandra.replication', is: 'map' },
  { name: 'MILLRACE_CASSANDRA_CREATE', key: 'cassandra.create', is: 'text' },
  { name: 'MILLRACE_METADATA_URL', key: 'metadata.url', is: 'secret' },
  { name: 'MILLRACE_REGISTRY_PORT', key: 'registry.port', is: 'number' },
  { name: 'MILLRACE_REGISTRY_URL', key: 'registry.url', is: 'text' },
  { name: 'MILLRACE_REGISTRY_USERNAME', key: 'registry.credentials.username', is: 'secret' },
  { name: 'MILLRACE_REGISTRY_PASSWORD', key: 'registry.credentials.password', is: 'secret' },
  ...tlsVariables('MILLRACE_REGISTRY', 'registry.tls'),
  { name: 'MILLRACE_CONSOLE_PORT', key: 'console.port', is: 'number' },
  { name: 'MILLRACE_CONSOLE_BASE_PATH', key: 'console.basePath', is: 'text' },
  { name: 'MILLRACE_CONSOLE_HOSTS', key: 'console.hosts', is: 'list' },
  { name: 'MILLRACE_CONSOLE_TRUSTED_PROXIES', key: 'console.trustedProxies', is: 'list' },
  { name: 'MILLRACE_ALERTS_WEBHOOK', key: 'alerts.webhook.url', is: 'secret' },
  { name: 'MILLRACE_ALERTS_REPEAT_EVERY', key: 'alerts.repeatEvery', is: 'text' },
  { name: 'MILLRACE_ALERTS_RESOLVE_AFTER', key: 'alerts.resolveAfter', is: 'text' },
  { name: 'MILLRACE_ALERTS_LAG', key: 'alerts.rules.lag', is: 'switch' },
  { name: 'MILLRACE_ALERTS_LAG_RECORDS', key: 'alerts.rules.lag.records', is: 'number' },
  { name: 'MILLRACE_ALERTS_LAG_FOR', key: 'alerts.rules.lag.for', is: 'text' },
  { name: 'MILLRACE_ALERTS_DEAD_LETTERS', key: 'alerts.rules.deadLetters', is: 'switch' },
  { name: 'MILLRACE_ALERTS_DEAD_LETTERS_RECORDS', key: 'alerts.rules.deadLetters.records', is: 'number' },
  { name: 'MILLRACE_ALERTS_DEAD_LETTERS_WITHIN', key: 'alerts.rules.deadLetters.within', is: 'text' },
  { name: 'MILLRACE_ALERTS_STALLED', key: 'alerts.rules.stalled', is: 'switch' },
  { name: 'MILLRACE_ALERTS_STALLED_FOR', key: 'alerts.rules.stalled.for', is: 'text' },
  { name: 'MILLRACE_ALERTS_STOPPED', key: 'alerts.rules.stopped', is: 'boolean' },
  { name: 'MILLRACE_ALERTS_RUN_FAILED', key: 'alerts.rules.runFailed', is: 'boolean' },
  { name: 'MILLRACE_ALERTS_PART_FAILED', key: 'alerts.rules.partFailed', is: 'switch' },
  { name: 'MILLRACE_ALERTS_PART_FAILED_FOR', key: 'alerts.rules.partFailed.for', is: 'text' },
  { name: 'MILLRACE_RANDOMUSER', key: 'randomUser.mode', is: 'text' },
  { name: 'MILLRACE_RANDOMUSER_URL', key: 'randomUser.url', is: 'text' },
]

/** Variables that hold secrets themselves: child processes are started without them. */
export const secretVariables: readonly string[] = variables.filter(({ is }) => is === 'secret').map(({ name }) => name)

type Section = Record<string, unknown>

/** The config with the environment's values in it, and which variable each of those came from. */
export interface Overlaid {
  config: Section
  /** By key: the variable, and its text unless it is a secret. */
  from: ReadonlyMap<string, { name: string; shown: string | null }>
}

/**
 * Lays the environment over the config: what a variable says wins.
 * Throws CONFIG_INVALID for a variable that cannot be read, without its value where that is a secret (P8).
 */
export function overlay(config: Readonly<Section>, env: Environment, read: readonly Variable[]): Overlaid {
  const laid: Section = structuredClone(config)
  const from = new Map<string, { name: string; shown: string | null }>()
  forgetOtherMechanism(laid, env)
  for (const variable of read) {
    const found = variable.is === 'secret' ? secretOf(env, variable.name) : textOf(env, variable.name)
    if (found === null) continue
    const value = typeof found === 'string' ? parse(variable, found) : found
    if (variable.is === 'switch') setSwitch(laid, variable.key, value === true)
    else if (isOff(laid, variable.key)) continue
    else set(laid, variable.key, value)
    from.set(variable.key, { name: variable.name, shown: typeof found === 'string' ? found : null })
  }
  return { config: laid, from }
}

/** A variable's text; null when it is not set or blank. */
export function textOf(env: Environment, name: string): string | null {
  const value = env[name]?.trim() ?? ''
  return value === '' ? null : value
}

function secretOf(env: Environment, name: string): SecretReference | null {
  const file = textOf(env, `${name}_FILE`)
  if (textOf(env, name) === null) return file === null ? null : { secret: 'file', path: resolve(file) }
  if (file === null) return { secret: 'env', name }
  throw new MillraceError('CONFIG_INVALID', `${name} and ${name}_FILE are both set: leave one of them out.`)
}

function parse({ name, is }: Variable, text: string): unknown {
  switch (is) {
    case 'number':
      return /^-?\d+$/.test(text) ? Number(text) : text
    case 'boolean':
    case 'switch':
      if (text === 'true' || text === 'false') return text === 'true'
      throw new MillraceError('CONFIG_INVALID', `${name}="${text}" is not true or false.`)
    case 'list':
      return text.split(',').map((part) => part.trim())
    case 'map':
      return mapOf(name, text)
    case 'path':
      return resolve(text)
    case 'text':
    case 'secret':
      return text
  }
}

function mapOf(name: string, text: string): Section {
  const pairs = text.split(';').filter((pair) => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new MillraceError('CONFIG_INVALID', `${name}: "${pair}" is not name=value; write name=value;name=value.`)
      const value = pair.slice(at + 1).trim()
      // A number of replicas is a number in CQL, and a text in Kafka.
      return [pair.slice(0, at).trim(), name.endsWith('_REPLICATION') && /^\d+$/.test(value) ? Number(value) : value]
    }),
  )
}

/** A config that signs in by another mechanism than the environment says has nothing to add to it. */
function forgetOtherMechanism(config: Section, env: Environment): void {
  const mechanism = textOf(env, 'MILLRACE_KAFKA_SASL_MECHANISM')
  const kafka = config['kafka']
  if (mechanism === null || !isSection(kafka) || !isSection(kafka['sasl'])) return
  if (kafka['sasl']['mechanism'] !== mechanism) delete kafka['sasl']
}

function setSwitch(config: Section, key: string, isOn: boolean): void {
  const [section, last] = parentOf(config, key)
  section[last] = isOn ? (isSection(section[last]) ? section[last] : {}) : false
}

/** Whether the section of a key was switched off. */
function isOff(config: Section, key: string): boolean {
  const [section, last] = parentOf(config, key.split('.').slice(0, -1).join('.') || key)
  return section[last] === false
}

function set(config: Section, key: string, value: unknown): void {
  const [section, last] = parentOf(config, key)
  section[last] = value
}

/** The section that holds a key, made when it is not there, and the key's last part. */
function parentOf(config: Section, key: string): [section: Section, last: string] {
  const parts = key.split('.')
  const last = parts.pop() ?? key
  let section = config
  for (const part of parts) {
    const inner = section[part]
    // `tls: true` is a section without values; a reference to a secret is a value.
    section = isSection(inner) ? inner : (section[part] = {})
  }
  return [section, last]
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('secret' in value)
}
