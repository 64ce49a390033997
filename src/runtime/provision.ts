import {
  cursorTopicConfigs,
  deadLetterTopic,
  definitionsTopic,
  ensureTable,
  ensureTopics,
  missingTopicsError,
  planTopicValues,
  readDefinitions,
  registerSchema,
  valuesError,
  wantedTopic,
  writeDefinitions,
  type DefinitionRecord,
  type Definitions,
  type EnsureTable,
  type MissingTopic,
  type StandingTopic,
  type StreamRecord,
  type TopicValues,
  type WantedTopic,
} from '../connectors/index.ts'
import { type Endpoints, names, type Project, tableId, type TopicPolicy, type Topology, type ValueFormat } from '../core/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { asMillraceError, MillraceError, type Logger } from '../platform/index.ts'
import { createRegistryClient, type RegistryClient } from '../registry-client/index.ts'
import type { Clients } from './clients.ts'
import type { Settings } from '../settings/index.ts'

export interface Provisioned {
  /** What was made: `topic users_created (6 partitions)`, `table spark_streams.created_users`, `schema users_created-value version 2`. */
  made: string[]
  /** How each topic is written. */
  formats: Map<string, ValueFormat>
  /** Streams that must not start, and why. */
  refused: Map<string, MillraceError>
  missingTopics: MissingTopic[]
  warnings: string[]
  /** Everything that somebody with more rights has to run, in order: all of it at once. */
  administrator: string[]
}

export interface Provision {
  project: Project
  endpoints: Pick<Endpoints, 'kafka' | 'cassandra' | 'registry'>
  clients: Pick<Clients, 'kafka'>
  settings: Pick<Settings, 'cassandra'>
  log: Logger
  signal: AbortSignal
}

/**
 * Makes the topics, schemas and tables that the project needs, internal topics included, once, before streams start. Safe to repeat;
 * what is there and fits needs no right to make it. What `planProject` says.
 * @throws a retriable MillraceError while a system is away
 */
export async function provision(options: Provision): Promise<Provisioned> {
  const { project, endpoints, clients, log, signal } = options
  await using kafka = await clients.kafka({ clientId: `millrace.${project.name}.provision`, log, signal })
  const registry = endpoints.registry && createRegistryClient(endpoints.registry)
  try {
    const { topics: policy } = endpoints.kafka
    const topics = await ensureTopics(kafka.admin, topicsOf(project, policy), policy, log)
    const definitions = await readDefinitions(kafka, project.name, signal)
    const lookedAt = { ...options, kafka, registry, definitions, standing: topics.standing }
    const values = registerValues(lookedAt)
    const [done, tables] = await Promise.all([values, makeTables(options, topics.standing, values)])
    await keepDefinitions(options, kafka, definitions, done)
    return outcome(project, topics, done, tables)
  } finally {
    registry?.close()
  }
}

interface ValuesOutcome extends TopicValues {
  made: string[]
  /** What keeps its streams and sources from running. */
  error: MillraceError | null
}

/** What is looked at to plan how topics are written. */
export interface LookedAt {
  project: Project
  endpoints: Pick<Endpoints, 'kafka'>
  kafka: KafkaClient
  registry: RegistryClient | null
  definitions: Definitions
  /** Topics that are there, and were before this start. */
  standing: readonly StandingTopic[]
  signal: AbortSignal
}

/** How the project's topics are, or would be, written. */
export function planValues({ project, endpoints, standing, ...rest }: LookedAt): Promise<TopicValues[]> {
  return Promise.all(
    project.topics.flatMap((topic) => {
      const schema = project.schemas.find(({ name }) => name === topic.schema)
      if (schema === undefined) return []
      const found = standing.find(({ name }) => name === topic.name) ?? null
      return [planTopicValues({ ...rest, policy: endpoints.kafka.topics, topic, schema, standing: found })]
    }),
  )
}

async function registerValues(lookedAt: LookedAt): Promise<ValuesOutcome[]> {
  const planned = await planValues(lookedAt)
  return Promise.all(
    planned.map(async (values) => {
      if (values.problems.length > 0) return { ...values, made: [], error: valuesError(values) }
      try {
        const id = await registerSchema(lookedAt.registry, values, lookedAt.signal)
        const { schema } = values
        const made = schema?.change === 'register' ? [`schema ${schema.subject} version ${schema.version} (id ${id})`] : []
        return { ...values, made, error: null }
      } catch (error) {
        return { ...values, made: [], error: nowOrNever(error) }
      }
    }),
  )
}

/** Retriable errors are everybody's: all is tried again. Others are their own stream's. */
function nowOrNever(error: unknown): MillraceError {
  const failure = asMillraceError(error)
  if (failure.retriable) throw failure
  return failure
}

/** Where that is not allowed, topics' own records say how they are written. */
async function keepDefinitions(
  { project, log, signal }: Provision,
  kafka: KafkaClient,
  definitions: Definitions,
  values: readonly ValuesOutcome[],
): Promise<void> {
  const { topics } = await kafka.admin.metadata([names.definitions(project.name), ...project.topics.map(({ name }) => name)])
  if (topics.find(({ name }) => name === names.definitions(project.name))?.error !== null) return
  const records: DefinitionRecord[] = values
    .filter(({ error, record }) => error === null && record !== null)
    .map(({ topic, format }) => {
      const topicId = topics.find(({ name }) => name === topic)?.topicId ?? null
      return { is: 'topic', name: topic, record: { format, topicId } }
    })
  const refused = new Set(values.filter(({ error }) => error !== null).map(({ topic }) => topic))
  for (const stream of project.streams) {
    const record = streamRecord(stream)
    if (!refused.has(record.topic) && !isSame(record, definitions.streams.get(stream.name)))
      records.push({ is: 'stream', name: stream.name, record })
  }
  for (const name of definitions.streams.keys())
    if (!project.streams.some((stream) => stream.name === name)) records.push({ is: 'stream', name, record: null })
  await writeDefinitions(kafka, project.name, records).catch((error: unknown) => {
    const failure = nowOrNever(error)
    log.warn(`how topics are written could not be kept: ${failure.message}`)
  })
  signal.throwIfAborted()
}

function isSame(a: StreamRecord, b: StreamRecord | undefined): boolean {
  return b !== undefined && JSON.stringify(a) === JSON.stringify({ topic: b.topic, table: b.table, steps: b.steps, code: b.code })
}

/** What is kept of a stream. */
export function streamRecord(stream: Project['streams'][number]): StreamRecord {
  const source = stream.nodes.find((node) => node.is === 'source')
  const sink = stream.nodes.find((node) => node.is === 'sink')
  const steps = stream.nodes.flatMap((node) => (node.is === 'source' || node.is === 'sink' ? [] : [node.id]))
  return { topic: source?.topic ?? '', table: sink?.table ?? '', steps, code: stream.fn.digest.slice(0, 16) }
}

export function topicsOf(project: Project, policy: TopicPolicy | undefined): WantedTopic[] {
  const deadLetters = project.streams.flatMap((stream) => deadLetterTopics(project, stream).map(deadLetterTopic))
  // Which tasks run sources is known when they run: a project with a DAG may need cursors.
  const cursors = project.dags.length === 0 ? [] : [{ name: names.cursors(project.name), partitions: 1, configs: cursorTopicConfigs }]
  return [...project.topics.map((topic) => wantedTopic(topic, policy)), ...deadLetters, ...cursors, definitionsTopic(project.name)]
}

/** What a stream cannot go without. */
export function topicNames(project: Project, stream: Topology): string[] {
  return [...stream.nodes.flatMap((node) => (node.is === 'source' ? [node.topic] : [])), ...deadLetterTopics(project, stream)]
}

/** Where records go that fail, and where they come back. */
export function deadLetterTopics(project: Pick<Project, 'name'>, stream: Pick<Topology, 'name'>): string[] {
  return [names.deadLetters(project.name, stream.name), names.retry(project.name, stream.name)]
}

interface MadeTable {
  made: string[]
  warnings: string[]
  error: MillraceError | null
}

const noTable: MadeTable = { made: [], warnings: [], error: null }

/** A table is not changed for a definition that its topic refuses; for a new topic there is nothing to wait for. */
function makeTables(
  options: Provision,
  standing: readonly StandingTopic[],
  values: Promise<readonly ValuesOutcome[]>,
): Promise<MadeTable[]> {
  const { project } = options
  return Promise.all(
    project.streams.map(async (stream) => {
      const { topic } = streamRecord(stream)
      const isNew = !standing.some(({ name }) => name === topic)
      const isRefused = !isNew && (await values).some((each) => each.topic === topic && each.error !== null)
      if (isRefused) return noTable
      return makeTable(options, stream).catch((error: unknown) => ({ ...noTable, error: nowOrNever(error) }))
    }),
  )
}

async function makeTable(options: Provision, stream: Topology): Promise<MadeTable> {
  const wanted = tableOf(options, stream)
  if (wanted === null) return noTable
  const { created, added } = await ensureTable(wanted)
  const { cassandra } = options.settings
  const id = tableId(wanted.table)
  if (!created) return { ...noTable, made: added.map((column) => `column ${id}.${column}`) }
  const hasOneCopy = cassandra.remote !== null && cassandra.replication === null
  const warnings = hasOneCopy ? [`cassandra.replication is not set: a keyspace made for ${id} has one copy of each row`] : []
  return { made: [`table ${id}`], warnings, error: null }
}

/** The table of a stream, and what may be done to it; null: it has none. */
export function tableOf(
  { project, endpoints, settings: { cassandra }, log, signal }: Omit<Provision, 'clients'>,
  stream: Topology,
): EnsureTable | null {
  const sink = stream.nodes.find((node) => node.is === 'sink')
  const table = project.tables.find((each) => tableId(each) === sink?.table)
  if (sink === undefined || table === undefined) return null
  const mayChange = cassandra.remote === null || cassandra.create === 'auto'
  return {
    endpoint: endpoints.cassandra,
    table,
    autoCreate: sink.autoCreate && mayChange,
    autoEvolve: mayChange ? sink.autoEvolve : 'off',
    ...(cassandra.remote !== null && cassandra.replication !== null ? { replication: cassandra.replication } : {}),
    log,
    signal,
  }
}

function outcome(
  project: Project,
  topics: Awaited<ReturnType<typeof ensureTopics>>,
  values: readonly ValuesOutcome[],
  tables: readonly MadeTable[],
): Provisioned {
  const { made, warnings, missing } = topics
  const refused = new Map<string, MillraceError>()
  const statements: string[] = []
  for (const [i, stream] of project.streams.entries()) {
    const wanted = topicNames(project, stream)
    const lacks = missing.filter(({ name }) => wanted.includes(name))
    const errors = lacks.length === 0 ? [] : [missingTopicsError(lacks)]
    errors.push(...values.flatMap(({ topic, error }) => (error !== null && wanted.includes(topic) ? [error] : [])))
    const error = tables[i]?.error ?? null
    if (typeof error?.details.cql === 'string') statements.push(error.details.cql)
    if (error !== null) errors.push(error)
    const refusal = joined(errors)
    if (refusal !== null) refused.set(stream.name, refusal)
  }
  return {
    made: [...made, ...values.flatMap((each) => each.made), ...tables.flatMap((table) => table.made)],
    formats: new Map(values.map(({ topic, format }) => [topic, format])),
    refused,
    missingTopics: missing,
    warnings: [...warnings, ...values.flatMap(jsonForWantOfARegistry), ...tables.flatMap((table) => table.warnings)],
    administrator: [...missing.map(({ command }) => command), ...new Set(statements)],
  }
}

function jsonForWantOfARegistry({ topic, format, by }: TopicValues): string[] {
  if (by !== 'default' || format !== 'json') return []
  return [
    `topic ${topic} is written as JSON, there being no schema registry: for Avro set registry.url; to be content with JSON, kafka.format`,
  ]
}

function joined(errors: readonly MillraceError[]): MillraceError | null {
  const [first, second] = errors
  if (first === undefined || second === undefined) return first ?? null
  const message = errors.map((error) => error.message).join('; and ')
  return new MillraceError(first.code, message, { cause: first, details: first.details })
}
