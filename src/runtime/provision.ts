import {
  cursorTopicConfigs,
  ensureTable,
  ensureTopics,
  missingTopicsError,
  wantedTopic,
  type MissingTopic,
  type WantedTopic,
} from '../connectors/index.ts'
import { names, tableId, type Endpoints, type Project, type TopicPolicy, type Topology } from '../core/index.ts'
import { asMillraceError, MillraceError, type Logger } from '../platform/index.ts'
import { deadLetterTopicConfigs } from '../streams/index.ts'
import type { Clients } from './clients.ts'
import type { Settings } from './settings/settings.ts'

export interface Provisioned {
  /** What was made: `topic users_created (6 partitions)`, `table spark_streams.created_users`. */
  made: string[]
  /** Streams that must not start, and why. */
  refused: Map<string, MillraceError>
  missingTopics: MissingTopic[]
  warnings: string[]
  /** Everything that somebody with more rights has to run, in order: all of it at once. */
  administrator: string[]
}

export interface Provision {
  project: Project
  endpoints: Pick<Endpoints, 'kafka' | 'cassandra'>
  clients: Pick<Clients, 'kafka'>
  settings: Pick<Settings, 'cassandra'>
  log: Logger
  signal: AbortSignal
}

/**
 * Makes the topics and tables that the project needs, internal ones included, once, before streams start. Safe to repeat; what is
 * there and fits needs no right to make it.
 * @throws a retriable MillraceError while a system is away
 */
export async function provision(options: Provision): Promise<Provisioned> {
  const { project, endpoints, clients, log, signal } = options
  await using kafka = await clients.kafka({ clientId: `millrace.${project.name}.provision`, log, signal })
  const { topics: policy } = endpoints.kafka
  const { made, warnings, missing } = await ensureTopics(kafka.admin, topicsOf(project, policy), policy, log)
  const refused = new Map<string, MillraceError>()
  const statements: string[] = []
  for (const stream of project.streams) {
    const lacks = missing.filter(({ name }) => topicNames(project, stream).includes(name))
    const errors = lacks.length === 0 ? [] : [missingTopicsError(lacks)]
    try {
      made.push(...(await makeTable(options, stream, warnings)))
    } catch (error) {
      const failure = asMillraceError(error)
      if (failure.retriable) throw failure
      if (typeof failure.details.cql === 'string') statements.push(failure.details.cql)
      errors.push(failure)
    }
    const refusal = joined(errors)
    if (refusal !== null) refused.set(stream.name, refusal)
  }
  const administrator = [...missing.map(({ command }) => command), ...new Set(statements)]
  return { made, refused, missingTopics: missing, warnings, administrator }
}

function topicsOf(project: Project, policy: TopicPolicy | undefined): WantedTopic[] {
  const deadLetters = project.streams.map(({ name }) => ({
    name: names.deadLetters(project.name, name),
    partitions: 1,
    configs: deadLetterTopicConfigs,
    // Managed clusters cap the one, brokers before 3.6 do not know the other.
    niceToHave: ['max.message.bytes', 'message.timestamp.after.max.ms'],
  }))
  // Which tasks run sources is known when they run: a project with a DAG may need cursors.
  const cursors = project.dags.length === 0 ? [] : [{ name: names.cursors(project.name), partitions: 1, configs: cursorTopicConfigs }]
  return [...project.topics.map((topic) => wantedTopic(topic, policy)), ...deadLetters, ...cursors]
}

/** What a stream cannot go without. */
function topicNames(project: Project, stream: Topology): string[] {
  return [...stream.nodes.flatMap((node) => (node.is === 'source' ? [node.topic] : [])), names.deadLetters(project.name, stream.name)]
}

async function makeTable(
  { project, endpoints, settings: { cassandra }, log, signal }: Provision,
  stream: Topology,
  warnings: string[],
): Promise<string[]> {
  const sink = stream.nodes.find((node) => node.is === 'sink')
  const table = project.tables.find((each) => tableId(each) === sink?.table)
  if (sink === undefined || table === undefined) return []
  const mayChange = cassandra.remote === null || cassandra.create === 'auto'
  const { created, added } = await ensureTable({
    endpoint: endpoints.cassandra,
    table,
    autoCreate: sink.autoCreate && mayChange,
    autoEvolve: mayChange ? sink.autoEvolve : 'off',
    ...(cassandra.remote !== null && cassandra.replication !== null ? { replication: cassandra.replication } : {}),
    log,
    signal,
  })
  if (!created) return added.map((column) => `column ${tableId(table)}.${column}`)
  if (cassandra.remote !== null && cassandra.replication === null)
    warnings.push(`cassandra.replication is not set: a keyspace made for ${tableId(table)} has one copy of each row`)
  return [`table ${tableId(table)}`]
}

function joined(errors: readonly MillraceError[]): MillraceError | null {
  const [first, second] = errors
  if (first === undefined || second === undefined) return first ?? null
  return new MillraceError(first.code, `${first.message}; and ${second.message}`, { cause: first, details: first.details })
}
