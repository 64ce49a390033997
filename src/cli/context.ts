import { resolve } from 'node:path'
import { createApiClient, readApiAddress, type ApiClient } from '../api-client/index.ts'
import type { Endpoints, EndpointsView } from '../core/index.ts'
import type { CassandraSession } from '../cql-client/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { MillraceError, once } from '../platform/index.ts'
import {
  dataDirOf,
  findConfig,
  loadSettings,
  openClients,
  openValues,
  settingsOf,
  type Settings,
  type ValuesForPeople,
} from '../runtime/index.ts'
import { createOutput, type Output } from './output.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Options that every command takes. */
export interface GlobalOptions {
  project: string
  json: boolean
  kafka?: string
  cassandra?: string
}

/** How a command reaches things: the running Millrace over its socket, or systems by their address. */
export interface Context {
  readonly projectDir: string
  readonly output: Output
  /** The API of the running Millrace; throws NOT_RUNNING when there is none. */
  readonly api: () => Promise<ApiClient>
  /** Calls the action with a client of the project's Kafka, or of the one that `--kafka` names, and with what reads its values. */
  readonly withKafka: <T>(action: (kafka: KafkaClient, values: ValuesForPeople) => Promise<T>) => Promise<T>
  readonly withCassandra: <T>(action: (session: CassandraSession) => Promise<T>) => Promise<T>
  /** Whether `--kafka`, the config or the environment names a cluster; else Kafka is the one that Millrace embeds. */
  readonly namesKafka: () => Promise<boolean>
  /** Whether `--kafka` names one. */
  readonly givenKafka: boolean
  settings(): Promise<Settings>
  /**
   * For a command with clusters of its own: those that `--kafka`, `--cassandra` and `typed` name, with what the environment says of signing
   * in (the project's credentials do not go to an address that somebody typed); where none is typed, the config's, else the environment's.
   */
  readonly clusters: (typed: { registry: string | undefined; localDataCenter: string | undefined }) => Promise<Settings>
  /** Where the running Millrace finds the systems; null: none runs. */
  readonly running: () => Promise<SystemEndpoints | null>
}

export function createContext(options: GlobalOptions, env: NodeJS.ProcessEnv = process.env): Context {
  const from = resolve(options.project)
  const settings = once(() => loadSettings({ projectDir: from, env }))
  const api = once(() => findApi(from, env, settings))
  const running = once(async (): Promise<EndpointsView['endpoints'] | null> => {
    try {
      return (await (await api()).endpoints()).endpoints
    } catch (error) {
      if (error instanceof MillraceError && ['NOT_RUNNING', 'CONFIG_MISSING'].includes(error.code)) return null
      throw error
    }
  })
  const endpoints = once(() => findEndpoints(options, env, running, settings))
  const clusters = async ({ registry, localDataCenter }: Parameters<Context['clusters']>[0]): Promise<Settings> => {
    const addresses = { ...typedAddresses(options), ...(registry === undefined ? {} : { MILLRACE_REGISTRY_URL: registry }) }
    const own = {
      ...env,
      ...addresses,
      ...(localDataCenter === undefined ? {} : { MILLRACE_CASSANDRA_LOCAL_DATA_CENTER: localDataCenter }),
    }
    if (Object.keys(addresses).length > 0) return settingsOf(own)
    return settingsOrEnvironment(() => loadSettings({ projectDir: from, env: own }), own)
  }
  const namesKafka = async (): Promise<boolean> =>
    options.kafka !== undefined || (await settingsOrEnvironment(settings, env)).kafka.remote !== null
  return {
    projectDir: from,
    output: createOutput(options.json),
    settings,
    clusters,
    api,
    namesKafka,
    givenKafka: options.kafka !== undefined,
    running,
    withKafka: async (action) => {
      const found = await endpoints()
      await using clients = await openClients(found, from)
      await using kafka = await clients.kafka({ clientId: 'millrace.cli' })
      const values = await openValues(found.registry)
      try {
        return await action(kafka, values)
      } finally {
        values.close()
      }
    },
    withCassandra: async (action) => {
      await using clients = await openClients(await endpoints(), from)
      await using session = await clients.cassandra()
      return await action(session)
    },
  }
}

type SystemEndpoints = Pick<Endpoints, 'kafka' | 'cassandra' | 'registry'>

/**
 * Where a command finds the systems: by `--kafka` and `--cassandra`, with what the environment says of signing in (the project's
 * credentials do not go to an address that somebody typed); else as the running Millrace, unless the environment names another
 * cluster; else as the config says; else on this machine.
 */
async function findEndpoints(
  options: GlobalOptions,
  env: NodeJS.ProcessEnv,
  running: () => Promise<SystemEndpoints | null>,
  settings: () => Promise<Settings>,
): Promise<SystemEndpoints> {
  const given = typedAddresses(options)
  if (Object.keys(given).length > 0) return endpointsOf(await settingsOf({ ...env, ...given }))
  const found = await running()
  if (found !== null && namesNoOther(env, found)) return found
  return endpointsOf(await settingsOrEnvironment(settings, env))
}

function typedAddresses({ kafka, cassandra }: GlobalOptions): Environment {
  return {
    ...(kafka === undefined ? {} : { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafka }),
    ...(cassandra === undefined ? {} : { MILLRACE_CASSANDRA_CONTACT_POINTS: cassandra }),
  }
}

/** Without a project the environment alone says where things are. */
async function settingsOrEnvironment(settings: () => Promise<Settings>, env: Environment): Promise<Settings> {
  return settings().catch((error: unknown) => {
    if (error instanceof MillraceError && error.code === 'CONFIG_MISSING') return settingsOf(env)
    throw error
  })
}

function namesNoOther(env: NodeJS.ProcessEnv, { kafka, cassandra }: SystemEndpoints): boolean {
  const isSame = (variable: string, addresses: readonly string[]): boolean =>
    env[variable] === undefined || env[variable].split(',').every((address) => addresses.includes(address.trim()))
  return (
    isSame('MILLRACE_KAFKA_BOOTSTRAP_SERVERS', kafka.bootstrapServers) &&
    isSame('MILLRACE_CASSANDRA_CONTACT_POINTS', cassandra.contactPoints)
  )
}

function endpointsOf({ kafka, cassandra, registry }: Settings): SystemEndpoints {
  const { localDataCenter, consistency, readConsistency } = cassandra
  return {
    kafka: kafka.remote ?? { bootstrapServers: [`127.0.0.1:${kafka.port}`] },
    cassandra: cassandra.remote ?? { contactPoints: [`127.0.0.1:${cassandra.port}`], localDataCenter, consistency, readConsistency },
    // The embedded one is there with a running Millrace alone, and that tells its address itself.
    registry: registry.remote,
  }
}

/** The usual data folder is looked at first: reading the config takes a child process. */
async function findApi(from: string, env: NodeJS.ProcessEnv, settings: () => Promise<Settings>): Promise<ApiClient> {
  const dataDir = dataDirOf(env.MILLRACE_DATA_DIR === undefined ? findConfig(from).projectDir : from, env, undefined)
  const address = readApiAddress(dataDir) ?? readApiAddress((await settings()).dataDir)
  if (address === null) throw new MillraceError('NOT_RUNNING', 'Millrace is not running: start it with "millrace start".')
  return createApiClient(address.socket)
}
