import { isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { projectNamePattern, type Consistency } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

/** Everything `start` needs to know, resolved once from config file and environment; complete and frozen. */
export interface Settings {
  readonly project: string
  readonly projectDir: string
  readonly dataDir: string
  readonly pipelines: readonly string[]
  readonly host: string
  readonly advertisedHost: string
  readonly kafkaPort: number
  readonly cqlPort: number
  /** Addresses of real systems; null: embedded. */
  readonly kafkaBootstrapServers: readonly string[] | null
  readonly cassandraContactPoints: readonly string[] | null
  readonly registryUrl: string | null
  /** PostgreSQL that keeps the metadata (runs, tasks, settings), with its password; null: SQLite in the data folder. Never log it (P8). */
  readonly metadataUrl: string | null
  readonly localDataCenter: string
  readonly consistency: Consistency
  readonly replication: Readonly<Record<string, string | number>>
  readonly randomUserMode: 'auto' | 'live' | 'local'
  readonly randomUserUrl: string | null
}

const port = z.int().min(0).max(65_535)
const metadataUrlForm = 'write postgres://user@host:5432/database'
const addresses = z.array(z.string().min(1)).min(1)
const configSchema = z.strictObject({
  name: z.string().regex(projectNamePattern, 'use 1 to 60 letters, digits, "_" or "-"'),
  pipelines: z.array(z.string().min(1)).min(1).optional(),
  dataDir: z.string().min(1).optional(),
  host: z.string().min(1).optional(),
  advertisedHost: z.string().min(1).optional(),
  kafka: z.strictObject({ port: port.optional(), bootstrapServers: addresses.optional() }).optional(),
  cassandra: z
    .strictObject({
      port: port.optional(),
      contactPoints: addresses.optional(),
      localDataCenter: z.string().min(1).optional(),
      consistency: z.enum(['ONE', 'LOCAL_ONE', 'QUORUM', 'LOCAL_QUORUM', 'ALL']).optional(),
      replication: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    })
    .optional(),
  metadata: z.strictObject({ url: z.url({ protocol: /^postgres(ql)?$/, error: metadataUrlForm }).optional() }).optional(),
  randomUser: z.strictObject({ mode: z.enum(['auto', 'live', 'local']).optional(), url: z.url().optional() }).optional(),
})

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Environment before config file before default.
 * @throws MillraceError CONFIG_INVALID naming file or variable, key, and what is allowed
 */
export function resolveSettings(options: { config: unknown; configPath: string; projectDir: string; env: Environment }): Settings {
  const { config, configPath, projectDir, env } = options
  const parsed = configSchema.safeParse(config)
  if (!parsed.success) throw configError(configPath, parsed.error)
  const { name, kafka = {}, cassandra = {}, metadata = {}, randomUser = {}, ...rest } = parsed.data
  const host = text(env, 'MILLRACE_HOST') ?? rest.host ?? '127.0.0.1'
  const contactPoints = list(env, 'MILLRACE_CASSANDRA_CONTACT_POINTS') ?? cassandra.contactPoints ?? null
  for (const reserved of ['MILLRACE_REGISTRY_PORT', 'MILLRACE_CONSOLE_PORT']) portOf(env, reserved)
  return Object.freeze({
    project: name,
    projectDir,
    dataDir: dataDirOf(projectDir, env, rest.dataDir),
    pipelines: rest.pipelines ?? ['**/*.pipeline.ts'],
    host,
    advertisedHost:
      text(env, 'MILLRACE_ADVERTISED_HOST') ?? rest.advertisedHost ?? (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host),
    kafkaPort: portOf(env, 'MILLRACE_KAFKA_PORT') ?? kafka.port ?? 9092,
    cqlPort: portOf(env, 'MILLRACE_CQL_PORT') ?? cassandra.port ?? 9042,
    kafkaBootstrapServers: list(env, 'MILLRACE_KAFKA_BOOTSTRAP_SERVERS') ?? kafka.bootstrapServers ?? null,
    cassandraContactPoints: contactPoints,
    registryUrl: url(env, 'MILLRACE_REGISTRY_URL'),
    metadataUrl: metadataUrl(env) ?? metadata.url ?? null,
    localDataCenter: cassandra.localDataCenter ?? 'datacenter1',
    consistency: cassandra.consistency ?? (contactPoints === null ? 'ONE' : 'LOCAL_QUORUM'),
    replication: cassandra.replication ?? { class: 'SimpleStrategy', replication_factor: 1 },
    randomUserMode: modeOf(env) ?? randomUser.mode ?? 'auto',
    randomUserUrl: url(env, 'MILLRACE_RANDOMUSER_URL') ?? randomUser.url ?? null,
  })
}

/** Where embedded parts keep their data, before the config is read: the command line asks here first. */
export function dataDirOf(projectDir: string, env: Environment, configured: string | undefined): string {
  const dir = text(env, 'MILLRACE_DATA_DIR')
  if (dir !== undefined) return resolve(dir)
  if (configured === undefined) return join(projectDir, '.millrace')
  return isAbsolute(configured) ? configured : join(projectDir, configured)
}

function configError(configPath: string, error: z.ZodError): MillraceError {
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : ''
  const key = [path, unknown].filter((part) => part !== '').join('.')
  const message = unknown === '' ? (issue?.message ?? 'is not valid') : 'there is no such key'
  return new MillraceError('CONFIG_INVALID', `${configPath}: ${key === '' ? 'the config' : `"${key}"`}: ${message}.`, {
    details: { file: configPath, key },
  })
}

function text(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim()
  return value === '' ? undefined : value
}

function list(env: Environment, name: string): string[] | null {
  const value = text(env, name)
  return value === undefined ? null : value.split(',').map((part) => part.trim())
}

function portOf(env: Environment, name: string): number | null {
  const value = text(env, name)
  if (value === undefined) return null
  const parsed = port.safeParse(Number(value))
  if (!parsed.success)
    throw new MillraceError('CONFIG_INVALID', `${name}="${value}": a port is a whole number from 0 (any free one) to 65535.`)
  return parsed.data
}

function url(env: Environment, name: string): string | null {
  const value = text(env, name)
  if (value !== undefined && !URL.canParse(value))
    throw new MillraceError('CONFIG_INVALID', `${name}="${value}" is not a URL; write http://host:port/…`)
  return value ?? null
}

/** The value may hold a password: the message names the variable alone (P8). */
function metadataUrl(env: Environment): string | null {
  const value = text(env, 'MILLRACE_METADATA_URL') ?? null
  if (value === null || (URL.canParse(value) && /^postgres(ql)?:/.test(value))) return value
  throw new MillraceError('CONFIG_INVALID', `MILLRACE_METADATA_URL is not the URL of a PostgreSQL database: ${metadataUrlForm}.`)
}

function modeOf(env: Environment): Settings['randomUserMode'] | null {
  const value = text(env, 'MILLRACE_RANDOMUSER')
  if (value === undefined) return null
  const parsed = z.enum(['auto', 'live', 'local']).safeParse(value)
  if (!parsed.success) throw new MillraceError('CONFIG_INVALID', `MILLRACE_RANDOMUSER="${value}" is not one of auto, live, local.`)
  return parsed.data
}
