import type { z } from 'zod'
import type { CassandraEndpoint, Consistency, KafkaEndpoint, RegistryEndpoint, TopicPolicy } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { alertSettings, type AlertSettings } from './alert-settings.ts'
import { configSchema, metadataUrlForm, type ParsedConfig } from './config-schema.ts'
import { dataDirOf } from './data-dir.ts'
import { embeddedStore, type EmbeddedStore } from './embedded-store.ts'
import { overlay, variables, type Environment, type Overlaid } from './environment.ts'
import { remoteCassandra, remoteKafka, remoteRegistry } from './remote.ts'
import { SecretReader } from './secrets.ts'

/** Everything `start` needs to know, resolved once from config file and environment; complete and frozen. Holds secrets: never log it (P8). */
export interface Settings {
  readonly project: string
  readonly projectDir: string
  readonly dataDir: string
  readonly pipelines: readonly string[]
  readonly host: string
  readonly advertisedHost: string
  readonly kafka: {
    /** Of the embedded broker. */
    readonly port: number
    /** Somebody's cluster, with what is needed to sign in; null: embedded. */
    readonly remote: KafkaEndpoint | null
    readonly topics: TopicPolicy
  }
  readonly cassandra: {
    readonly port: number
    readonly embedded: EmbeddedStore
    readonly remote: CassandraEndpoint | null
    readonly localDataCenter: string
    readonly consistency: Consistency
    readonly readConsistency: Consistency
    /** Null: one copy, which nobody asked for by name. */
    readonly replication: Readonly<Record<string, string | number>> | null
    readonly create: 'auto' | 'never'
  }
  readonly registry: {
    /** Of the embedded one. */
    readonly port: number
    /** Somebody's registry, with what is needed to sign in. Null: the embedded one, where the broker is embedded too; else none. */
    readonly remote: RegistryEndpoint | null
  }
  /** PostgreSQL that keeps the metadata (runs, tasks, settings), with its password; null: SQLite in the data folder. Never log it (P8). */
  readonly metadataUrl: string | null
  readonly console: {
    /** Null: 8080, or any free one where that is taken. */
    readonly port: number | null
    /** Path below which a proxy serves it, `/millrace`; '' for the root. */
    readonly basePath: string
    /** Names by which browsers reach it, besides `host` and `advertisedHost`. */
    readonly hosts: readonly string[]
    /** Addresses and CIDRs of proxies whose `X-Forwarded-…` headers are believed. */
    readonly trustedProxies: readonly string[]
  }
  /** Its webhook holds secrets. */
  readonly alerts: AlertSettings
  readonly randomUserMode: 'auto' | 'live' | 'local'
  readonly randomUserUrl: string | null
  /** What is allowed, but should be known. */
  readonly warnings: readonly string[]
}

export interface ResolveSettings {
  /** As the config file gives it. */
  config: unknown
  /** For messages. */
  configPath: string
  /** What paths in the config are relative to. */
  projectDir: string
  env: Environment
}

/**
 * Environment before config file before default. A token function in the config is referred to without its bundle: whoever keeps
 * that fills it in (`runtime/load-settings.ts`).
 * @throws MillraceError CONFIG_INVALID naming file or variable, key, and what is allowed; never a secret
 */
export function resolveSettings(options: ResolveSettings): Settings {
  const { config, configPath, projectDir, env } = options
  const {
    kafka = {},
    cassandra = {},
    registry = {},
    metadata = {},
    alerts = {},
    randomUser = {},
    ...rest
  } = parseConfig(config, configPath, env)
  const host = rest.host ?? '127.0.0.1'
  const secrets = new SecretReader({ configPath, projectDir, env })
  const topics: TopicPolicy = {
    create: kafka.create ?? 'auto',
    replicationFactor: kafka.replicationFactor ?? -1,
    minInsyncReplicas: kafka.minInsyncReplicas ?? null,
    configs: kafka.topicConfigs ?? {},
    ...(kafka.format === undefined ? {} : { format: kafka.format }),
  }
  const isRemote = cassandra.contactPoints !== undefined || cassandra.secureBundle !== undefined
  const consistency = cassandra.consistency ?? (isRemote ? 'LOCAL_QUORUM' : 'ONE')
  const tables = {
    localDataCenter: cassandra.localDataCenter ?? 'datacenter1',
    consistency,
    readConsistency: cassandra.readConsistency ?? consistency,
  }
  const remotes = {
    kafka: remoteKafka(kafka, topics, secrets),
    cassandra: remoteCassandra(cassandra, tables, secrets, projectDir),
    registry: remoteRegistry(registry, shownUrl('registry.url', registry.url), secrets),
  }
  return Object.freeze({
    project: rest.name,
    projectDir,
    dataDir: dataDirOf(projectDir, {}, rest.dataDir),
    pipelines: rest.pipelines ?? ['**/*.pipeline.ts'],
    host,
    advertisedHost: rest.advertisedHost ?? (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host),
    kafka: { port: kafka.port ?? 9092, remote: remotes.kafka, topics },
    cassandra: {
      port: cassandra.port ?? 9042,
      embedded: isRemote ? { credentials: null, tls: null, clientTls: null } : embeddedStore(cassandra, secrets),
      remote: remotes.cassandra,
      ...tables,
      replication: cassandra.replication ?? null,
      create: cassandra.create ?? 'auto',
    },
    registry: { port: registry.port ?? 8081, remote: remotes.registry },
    metadataUrl: metadataUrl(metadata, secrets),
    console: {
      port: rest.console?.port ?? null,
      basePath: rest.console?.basePath ?? '',
      hosts: rest.console?.hosts ?? [],
      trustedProxies: rest.console?.trustedProxies ?? [],
    },
    alerts: alertSettings(alerts, secrets),
    randomUserMode: randomUser.mode ?? 'auto',
    randomUserUrl: shownUrl('randomUser.url', randomUser.url),
    warnings: secrets.warnings,
  })
}

/** What the environment alone says, for a command that has no project. */
export function settingsOf(env: Environment): Settings {
  return resolveSettings({ config: { name: 'environment' }, configPath: 'the environment', projectDir: process.cwd(), env })
}

function parseConfig(config: unknown, configPath: string, env: Environment): ParsedConfig {
  const isSection = typeof config === 'object' && config !== null && !Array.isArray(config)
  const laid = isSection ? overlay({ ...config }, env, variables) : null
  const parsed = configSchema.safeParse(laid === null ? config : laid.config)
  if (parsed.success) return parsed.data
  throw configError(configPath, parsed.error, laid)
}

function configError(configPath: string, error: z.ZodError, laid: Overlaid | null): MillraceError {
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : ''
  const key = [path, unknown].filter((part) => part !== '').join('.')
  const message = unknown === '' ? (issue?.message ?? 'is not valid') : 'there is no such key'
  // Of one of a list, the list's.
  const variable = laid?.from.get(path.replace(/\.\d+$/, ''))
  if (variable !== undefined && unknown === '') {
    const shown = variable.shown === null ? '' : `="${variable.shown}"`
    return new MillraceError('CONFIG_INVALID', `${variable.name}${shown}: ${message}.`, { details: { variable: variable.name, key } })
  }
  const hint = issue?.path.length === 0 && unknown === '' ? 'the config' : `"${key}"`
  return new MillraceError('CONFIG_INVALID', `${configPath}: ${hint}: ${message}.`, { details: { file: configPath, key } })
}

/** `status` and the logs show it: a password in it is refused, and the message names the key alone (P8). */
function shownUrl(key: string, url: string | undefined): string | null {
  if (url === undefined) return null
  const { username, password } = new URL(url)
  if (username === '' && password === '') return url
  throw new MillraceError('CONFIG_INVALID', `${key} holds a user or password: write http://host:port/… without them.`)
}

/** The value may hold a password: the message names the key alone (P8). */
function metadataUrl({ url }: NonNullable<ParsedConfig['metadata']>, secrets: SecretReader): string | null {
  if (url === undefined) return null
  const text = secrets.text(url, { key: 'metadata.url', isSensitive: typeof url === 'string' && /\/\/[^/]*:[^/]*@/.test(url) })
  if (URL.canParse(text) && /^postgres(ql)?:/.test(text)) return text
  const name = typeof url === 'object' && url.secret === 'env' ? url.name : 'metadata.url'
  throw new MillraceError('CONFIG_INVALID', `${name} is not the URL of a PostgreSQL database: ${metadataUrlForm}.`)
}
