import type { Field, SchemaDef, TopicDef, TopicPolicy } from '../../core/index.ts'
import { avroCodec, jsonCodec, parseAvro, type AvroType, type ValueCodec } from '../../formats/index.ts'
import { messageOf, MillraceError } from '../../platform/index.ts'
import type { RegistryClient } from '../../registry-client/index.ts'
import { standingTopic, type StandingTopic, type WantedTopic } from '../kafka/ensure-topics.ts'
import {
  definitionsTopic,
  noDefinitions,
  readDefinitions,
  writeDefinitions,
  type Definitions,
  type DefinitionsKafka,
  type TopicRecord,
} from './definitions-log.ts'
import { chooseFormat, type FormatChoice } from './topic-format.ts'
import { planSchema, type SchemaPlan } from './value-schema.ts'

/** How the values of one topic are, or would be, written. */
export interface TopicValues extends FormatChoice {
  topic: string
  /** What is to be kept of it; null: that is kept already. */
  record: TopicRecord | null
  /** Null: JSON has none, or there is no registry. */
  schema: SchemaPlan | null
  /** All that speaks against it; empty: nothing. */
  problems: string[]
}

export interface PlanTopicValues {
  kafka: DefinitionsKafka
  /** Null: there is none. */
  registry: RegistryClient | null
  policy: TopicPolicy | undefined
  definitions: Definitions
  topic: TopicDef
  schema: SchemaDef
  standing: StandingTopic | null
  signal: AbortSignal
}

/** What is written and registered for a topic; changes nothing. Rejects with a retriable error while Kafka or the registry is away. */
export async function planTopicValues(options: PlanTopicValues): Promise<TopicValues> {
  const { kafka, registry, policy, definitions, topic, schema, standing, signal } = options
  const kept = definitions.topics.get(topic.name)
  const choice = await chooseFormat(kafka, topic, standing, { record: kept, policy, hasRegistry: registry !== null }, signal)
  const topicId = standing?.topicId ?? null
  const isKept = choice.by === 'record' && kept?.topicId === topicId
  const values = { ...choice, topic: topic.name, record: isKept ? null : { format: choice.format, topicId } }
  if (choice.problem !== null) return { ...values, schema: null, problems: [choice.problem] }
  if (choice.format === 'json') return { ...values, schema: null, problems: [] }
  if (registry === null) return { ...values, schema: null, problems: [noRegistry(topic.name)] }
  const plan = await planSchema(registry, topic, schema, signal)
  return { ...values, schema: plan, problems: plan.problems }
}

function noRegistry(topic: string): string {
  return `topic ${topic} is written as avro, and there is no schema registry: set registry.url to the address of yours, or give a new topic format: 'json'`
}

/** Registers the schema when that is to be done. @returns its id; null: there is none */
export async function registerSchema(
  registry: RegistryClient | null,
  { schema: plan }: TopicValues,
  signal: AbortSignal,
): Promise<number | null> {
  if (plan === null || plan.schema === null || registry === null) return null
  return plan.id ?? registry.register(plan.subject, plan.schema, signal)
}

/** What keeps streams and sources of the topic from running. */
export function valuesError({ topic, schema, problems }: Pick<TopicValues, 'topic' | 'schema' | 'problems'>): MillraceError {
  const all = problems.length === 1 ? `${problems[0]}` : problems.map((problem, i) => `(${i + 1}) ${problem}`).join('; ')
  const before = schema === null ? '' : `The schema of topic ${topic} does not fit what was written before: `
  const after = schema === null ? '' : ' Nothing was registered; the definition before stays in force.'
  return new MillraceError('SCHEMA_INCOMPATIBLE', `${before}${all}.${after}`, { details: { topic, problems: problems.length } })
}

export interface OpenTopicValues extends Omit<PlanTopicValues, 'definitions' | 'standing'> {
  /** Null: none whose records say how topics are written; then the topic's own do. */
  project: string | null
  /** Makes topics by the policy, or throws what keeps it from that. */
  createTopics: (topics: readonly WantedTopic[]) => Promise<void>
  log: (line: string) => void
}

/**
 * The codec of a topic to write to, its schema registered. Whoever comes first decides how a new topic is written, and keeps that.
 * @throws MillraceError SCHEMA_INCOMPATIBLE with all that speaks against it; retriable while a system is away
 */
export async function openTopicValues(options: OpenTopicValues): Promise<ValueCodec> {
  const { kafka, registry, project, topic, schema, signal, log } = options
  const [definitions, { topics }] = await Promise.all([
    project === null ? noDefinitions() : readDefinitions(kafka, project, signal),
    kafka.admin.metadata([topic.name]),
  ])
  const found = topics.find(({ name, error }) => name === topic.name && error === null)
  const values = await planTopicValues({ ...options, definitions, standing: found ? standingTopic(found) : null })
  if (values.problems.length > 0) throw valuesError(values)
  const [id] = await Promise.all([registerSchema(registry, values, signal), keep(options, values)])
  if (id === null || values.schema?.schema == null || registry === null) return jsonCodec
  if (values.schema.change === 'register') log(`registered version ${values.schema.version} of ${values.schema.subject}, id ${id}`)
  return codecOfTopic(registry, schema.fields, { id, type: typeOf(values.schema.schema) })
}

/** Where that is not allowed the topic's own records say it next time. */
async function keep({ kafka, project, createTopics, log }: OpenTopicValues, { topic, record }: TopicValues): Promise<void> {
  if (record === null || project === null) return
  try {
    await createTopics([definitionsTopic(project)])
    await writeDefinitions(kafka, project, [{ is: 'topic', name: topic, record }])
  } catch (error) {
    if (error instanceof MillraceError && error.retriable) throw error
    log(`how ${topic} is written could not be kept: ${messageOf(error)}`)
  }
}

/**
 * How the values of a topic are read: what writers' schemas it finds by their ids.
 * @param fields of the shape that reads; null: values come as they were written
 */
export function codecOfTopic(
  registry: RegistryClient,
  fields: readonly Field[] | null,
  writer: { id: number; type: AvroType } | null = null,
): ValueCodec {
  return avroCodec({ writer, fields, schemaOf: (id, signal) => schemaOf(registry, id, signal) })
}

async function schemaOf(registry: RegistryClient, id: number, signal: AbortSignal): Promise<AvroType | { none: string }> {
  const found = await registry.schema(id, signal)
  if (found === null) return { none: `The value names schema ${id}, which the schema registry at ${registry.url} does not have.` }
  if (found.type !== 'AVRO') return { none: `The value names schema ${id}, which is ${found.type}, not Avro.` }
  if (found.hasReferences) return { none: `The value names schema ${id}, which refers to other schemas; such schemas are not read yet.` }
  const parsed = parseAvro(found.schema)
  return parsed.ok
    ? parsed.type
    : { none: `Schema ${id} is no valid Avro: at '${parsed.problem.path || '/'}' it ${parsed.problem.message}.` }
}

function typeOf(schema: string): AvroType {
  const parsed = parseAvro(schema)
  if (parsed.ok) return parsed.type
  throw new MillraceError('INTERNAL', `A schema made here is none: ${parsed.problem.path} ${parsed.problem.message}.`)
}
