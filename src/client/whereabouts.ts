import { createApiClient, readApiAddress } from '../api-client/index.ts'
import { createOauthTokens, type OauthTokens } from '../connectors/index.ts'
import type { CassandraConfig, Endpoints, EndpointsView, KafkaConfig, UserConfig } from '../core/index.ts'
import { MillraceError, once, type Logger } from '../platform/index.ts'
import { dataDirOf, nearestConfig, resolveSettings, variables, type Environment, type Settings } from '../settings/index.ts'

/** Where the systems are. What is left out is asked of the environment, then of the Millrace that runs here; then it is on this machine. */
export interface SystemOptions {
  /**
   * The `name` in `millrace.config.ts`. Default: that of the Millrace that runs here. It is known by it how topics are written that
   * have no records yet, and transactional ids begin with it.
   */
  project?: string
  /** As in `millrace.config.ts`; keys that are given win over their `MILLRACE_KAFKA_…` variables. */
  kafka?: Omit<KafkaConfig, 'port'>
  /** As in `millrace.config.ts`; keys that are given win over their `MILLRACE_CASSANDRA_…` variables. */
  cassandra?: Omit<CassandraConfig, 'port' | 'embedded' | 'replication' | 'create'>
  /** As in `millrace.config.ts`; keys that are given win over their `MILLRACE_REGISTRY_…` variables. */
  registry?: Omit<NonNullable<UserConfig['registry']>, 'port'>
  /** Data folder of the Millrace that runs here. Default: `MILLRACE_DATA_DIR`, else `.millrace` beside the nearest `millrace.config.ts` upwards. */
  dataDir?: string
}

type Systems = Pick<Endpoints, 'kafka' | 'cassandra' | 'registry'>

/** Where everything is, with credentials: never log it (P8). */
export interface Whereabouts {
  readonly project: string | null
  readonly endpoints: Systems
  readonly tokens: OauthTokens
}

/** @throws MillraceError CONFIG_INVALID naming the option or variable; never a secret */
export async function findSystems(options: SystemOptions, env: Environment, log: Logger): Promise<Whereabouts> {
  const settings = await settingsFor(options, env)
  const running = once(() => askRunning(options, env, log))
  const isNamed = settings.kafka.remote !== null && settings.cassandra.remote !== null
  const found = isNamed ? null : await running()
  const endpoints: Systems = {
    kafka: settings.kafka.remote ?? found?.endpoints.kafka ?? localKafka(settings),
    cassandra: settings.cassandra.remote ?? found?.endpoints.cassandra ?? localCassandra(settings),
    registry: registryOf(settings, found),
  }
  return { project: options.project ?? found?.project ?? null, endpoints, tokens: tokensFor(options, settings, env, log) }
}

/** Of the sections that are about other people's systems; a wrong variable of another one is no concern of a service. */
function settingsFor({ project, kafka, cassandra, registry }: SystemOptions, env: Environment): Promise<Settings> {
  const given = { kafka, cassandra, registry }
  const own: Record<string, string | undefined> = { ...env }
  for (const { name, key } of variables) {
    const [section = '', part = ''] = key.split('.')
    const options = sectionOf(given, section)
    if (options !== null && part !== 'embedded' && options[part] === undefined) continue
    delete own[name]
    delete own[`${name}_FILE`]
  }
  const sasl = kafka?.sasl
  const token = sasl?.mechanism === 'OAUTHBEARER' && typeof sasl.token === 'function' ? { function: 'kafka.sasl.token' } : null
  const config = {
    name: project ?? 'service',
    kafka: { ...kafka, ...(sasl === undefined ? {} : { sasl: token === null ? sasl : { ...sasl, token } }) },
    cassandra: { ...cassandra },
    registry: { ...registry },
  }
  return resolveSettings({ config, configPath: 'connect(…)', projectDir: process.cwd(), env: own })
}

function sectionOf(given: Readonly<Record<string, object | undefined>>, section: string): Record<string, unknown> | null {
  return section in given ? { ...given[section] } : null
}

/** What the Millrace of the data folder says; null when none answers. */
async function askRunning({ dataDir }: SystemOptions, env: Environment, log: Logger): Promise<EndpointsView | null> {
  const projectDir = nearestConfig(process.cwd())?.projectDir ?? process.cwd()
  const folder = dataDirOf(projectDir, dataDir === undefined ? env : {}, dataDir)
  const address = readApiAddress(folder)
  if (address === null) return null
  try {
    return await createApiClient(address.socket).endpoints()
  } catch (error) {
    if (!(error instanceof MillraceError) || !error.retriable) throw error
    log.warn('The Millrace of the data folder does not answer: the usual ports of this machine are used.', { dataDir: folder, error })
    return null
  }
}

function localKafka({ kafka }: Settings): Systems['kafka'] {
  return { bootstrapServers: [`127.0.0.1:${kafka.port || 9092}`], topics: kafka.topics }
}

function localCassandra({ cassandra }: Settings): Systems['cassandra'] {
  const { port, localDataCenter, consistency, readConsistency } = cassandra
  return { contactPoints: [`127.0.0.1:${port || 9042}`], localDataCenter, consistency, readConsistency }
}

/** Schemas' ids are a registry's own: one goes with its Kafka, and that of another Kafka is none. */
function registryOf({ kafka, registry }: Settings, found: EndpointsView | null): Systems['registry'] {
  if (registry.remote !== null || kafka.remote !== null) return registry.remote
  return found === null ? { url: `http://127.0.0.1:${registry.port || 8081}` } : found.endpoints.registry
}

/** The author's function is called in place; the token that a running Millrace gives is asked for anew, since it ends. */
function tokensFor(options: SystemOptions, { kafka }: Settings, env: Environment, log: Logger): OauthTokens {
  const sasl = options.kafka?.sasl
  const own = sasl?.mechanism === 'OAUTHBEARER' && typeof sasl.token === 'function' ? sasl.token : null
  const tokens = createOauthTokens(() => own?.() ?? Promise.reject(new MillraceError('INTERNAL', 'No token function was given.')))
  if (kafka.remote !== null) return tokens
  return async (source) => {
    const fresh = (await askRunning(options, env, log))?.endpoints.kafka.sasl
    return tokens(fresh?.mechanism === 'OAUTHBEARER' ? fresh.token : source)
  }
}
