import { tableId, type Endpoints, type Project, type Topology } from '../core/index.ts'
import { ensureTable } from '../connectors/index.ts'
import { connectKafka } from '../kafka-client/index.ts'
import { asMillraceError, type Logger, type MillraceError } from '../platform/index.ts'
import type { Settings } from './settings.ts'

export interface Provisioned {
  /** What was made: `topic users_created (6 partitions)`, `table spark_streams.created_users`. */
  made: string[]
  /** Streams that must not start, and why. */
  refused: Map<string, MillraceError>
}

/**
 * Makes the topics and tables that the project needs, once, before streams start. Safe to repeat.
 * @throws a retriable MillraceError while a system is away
 */
export async function provision(
  project: Project,
  endpoints: Endpoints,
  settings: Settings,
  log: Logger,
  signal: AbortSignal,
): Promise<Provisioned> {
  const made = await makeTopics(project, endpoints, log, signal)
  const refused = new Map<string, MillraceError>()
  for (const stream of project.streams) {
    try {
      made.push(...(await makeTable(project, stream, endpoints, settings, log, signal)))
    } catch (error) {
      const failure = asMillraceError(error)
      if (failure.retriable) throw failure
      refused.set(stream.name, failure)
    }
  }
  return { made, refused }
}

async function makeTopics(project: Project, endpoints: Endpoints, log: Logger, signal: AbortSignal): Promise<string[]> {
  await using kafka = await connectKafka({ ...endpoints.kafka, clientId: `millrace.${project.name}.provision`, log, signal })
  const topics = project.topics.map(({ name, partitions, configs }) => ({ name, partitions, configs }))
  const results = await kafka.admin.createTopics(topics)
  return results.flatMap(({ name, created }) =>
    created ? [`topic ${name} (${topics.find((topic) => topic.name === name)?.partitions} partitions)`] : [],
  )
}

async function makeTable(
  project: Project,
  stream: Topology,
  endpoints: Endpoints,
  settings: Settings,
  log: Logger,
  signal: AbortSignal,
): Promise<string[]> {
  const sink = stream.nodes.find((node) => node.is === 'sink')
  const table = project.tables.find((each) => tableId(each) === sink?.table)
  if (sink === undefined || table === undefined) return []
  const { created, added } = await ensureTable({
    endpoint: endpoints.cassandra,
    table,
    autoCreate: sink.autoCreate,
    autoEvolve: sink.autoEvolve,
    replication: settings.replication,
    log,
    signal,
  })
  if (created) return [`table ${tableId(table)}`]
  return added.map((column) => `column ${tableId(table)}.${column}`)
}
