import { lookAtTable, lookAtTopics, readDefinitions, type Definitions, type StreamRecord, type TopicValues } from '../connectors/index.ts'
import {
  names,
  tableId,
  type Change,
  type PlanView,
  type Project,
  type SchemaChange,
  type StreamChange,
  type TableChange,
  type TopicChange,
} from '../core/index.ts'
import { asMillraceError } from '../platform/index.ts'
import { createRegistryClient } from '../registry-client/index.ts'
import { planValues, streamRecord, tableOf, topicNames, topicsOf, type Provision } from './provision.ts'

/** Systems that are not to be asked: embedded ones that do not run. */
export interface Unasked {
  kafka: boolean
  cassandra: boolean
  /** Without a data folder there is nothing yet, and all is made at the first start. */
  change: 'create' | 'unknown'
}

const notRunning = 'Millrace is not running, so its embedded parts cannot be asked; its start does what is needed.'

/**
 * What `provision` would do, and changes nothing. What a system that is away would have to say is `unknown`, and the rest is told.
 */
export async function planProject(
  options: Provision,
  unasked: Unasked = { kafka: false, cassandra: false, change: 'unknown' },
): Promise<PlanView> {
  const { project } = options
  const { change } = unasked
  const unknown = unasked.kafka || unasked.cassandra ? [notRunning] : []
  const away =
    <T>(instead: T) =>
    (error: unknown): T => {
      const { message } = asMillraceError(error)
      if (!unknown.includes(message)) unknown.push(message)
      return instead
    }
  const [kafka, tables] = await Promise.all([
    unasked.kafka ? null : planKafka(options).catch(away(null)),
    unasked.cassandra ? tablesUnasked(project, change) : planTables(options, away),
  ])
  const topics = kafka?.topics ?? topicsUnasked(options, unasked.kafka ? change : 'unknown')
  const schemas = kafka?.schemas ?? []
  const definitions = kafka?.definitions ?? (unasked.kafka && change === 'create' ? { streams: new Map<string, StreamRecord>() } : null)
  const streams = planStreams(project, definitions, refusedTopics(topics, schemas), tables)
  const all = [...topics, ...schemas, ...tables, ...streams].map((each) => each.change)
  const verdict = all.includes('refused') ? 'refused' : all.every((change) => change === 'none') ? 'none' : 'changes'
  const administrator = [
    ...topics.flatMap(({ change: own, command }) => (own === 'refused' && command !== null ? [command] : [])),
    ...new Set(tables.flatMap(({ change: own, statements }) => (own === 'refused' ? statements.map((statement) => `${statement};`) : []))),
  ]
  return { project: project.name, verdict, unknown, topics, schemas, tables, streams, warnings: kafka?.warnings ?? [], administrator }
}

interface KafkaPlan {
  topics: TopicChange[]
  schemas: SchemaChange[]
  definitions: Definitions
  warnings: string[]
}

async function planKafka(options: Provision): Promise<KafkaPlan> {
  const { project, endpoints, clients, log, signal } = options
  await using kafka = await clients.kafka({ clientId: `millrace.${project.name}.plan`, log, signal })
  const registry = endpoints.registry && createRegistryClient(endpoints.registry)
  try {
    const { topics: policy } = endpoints.kafka
    const looks = await lookAtTopics(kafka.admin, topicsOf(project, policy), policy)
    const definitions = await readDefinitions(kafka, project.name, signal)
    const standing = looks.flatMap((look) => (look.standing === null ? [] : [look.standing]))
    const values = await planValues({ ...options, kafka, registry, definitions, standing })
    const topics = looks.map(({ topic, standing: found, refusal, command }): TopicChange => {
      const own = values.find((each) => each.topic === topic.name)
      const ownProblems = own !== undefined && own.schema === null ? own.problems : []
      const problems = [...(refusal === null ? [] : [refusal.message]), ...ownProblems]
      const change = problems.length > 0 ? 'refused' : found === null ? 'create' : 'none'
      const { name, partitions } = topic
      return {
        topic: name,
        change,
        partitions,
        format: own?.format ?? null,
        formatBy: own?.by ?? null,
        command: found === null ? command : null,
        problems,
      }
    })
    return { topics, schemas: values.flatMap(schemaChange), definitions, warnings: looks.flatMap((look) => look.warnings) }
  } finally {
    registry?.close()
  }
}

function schemaChange({ schema: plan }: TopicValues): SchemaChange[] {
  if (plan === null) return []
  const { subject, version, id, added, removed, schema, problems } = plan
  const change = problems.length > 0 ? 'refused' : plan.change === 'none' ? 'none' : version === 1 ? 'create' : 'change'
  const compatibility =
    problems.length > 0
      ? `not BACKWARD compatible: ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}`
      : version === 1
        ? 'the first version'
        : 'BACKWARD ok'
  return [{ subject, change, version, id, compatibility, added, removed, schema, problems }]
}

function planTables(options: Provision, away: (instead: TableChange) => (error: unknown) => TableChange): Promise<TableChange[]> {
  return Promise.all(
    options.project.streams.flatMap((stream) => {
      const wanted = tableOf(options, stream)
      if (wanted === null) return []
      const table = tableId(wanted.table)
      const planned = lookAtTable(wanted).then(({ statements, created, refusal }): TableChange => {
        const change = refusal !== null ? 'refused' : created ? 'create' : statements.length > 0 ? 'change' : 'none'
        return { table, change, statements, error: refusal?.toJSON() ?? null }
      })
      return [planned.catch(away({ table, change: 'unknown', statements: [], error: null }))]
    }),
  )
}

function topicsUnasked({ project, endpoints }: Provision, change: Change): TopicChange[] {
  return topicsOf(project, endpoints.kafka.topics).map(({ name, partitions }) => {
    return { topic: name, change, partitions, format: null, formatBy: null, command: null, problems: [] }
  })
}

function tablesUnasked(project: Project, change: Change): TableChange[] {
  return project.streams.flatMap((stream) => {
    const { table } = streamRecord(stream)
    return table === '' ? [] : [{ table, change, statements: [], error: null }]
  })
}

function refusedTopics(topics: readonly TopicChange[], schemas: readonly SchemaChange[]): ReadonlySet<string> {
  const isRefused = ({ topic, change }: TopicChange): boolean =>
    change === 'refused' || schemas.some((each) => each.change === 'refused' && each.subject === names.valueSubject(topic))
  return new Set(topics.filter(isRefused).map(({ topic }) => topic))
}

function planStreams(
  project: Project,
  definitions: Pick<Definitions, 'streams'> | null,
  refused: ReadonlySet<string>,
  tables: readonly TableChange[],
): StreamChange[] {
  const streams = project.streams.map((stream): StreamChange => {
    const now = streamRecord(stream)
    const { topic, table } = now
    const planned = { stream: stream.name, topic, table }
    const lacks = topicNames(project, stream).find((name) => refused.has(name))
    const noTable = tables.find((each) => each.table === table && each.change === 'refused')
    if (lacks !== undefined) return { ...planned, change: 'refused', because: `topic ${lacks} is refused` }
    if (noTable !== undefined) return { ...planned, change: 'refused', because: noTable.error?.message ?? `table ${table} is refused` }
    if (definitions === null) return { ...planned, change: 'unknown', because: 'not known' }
    const before = definitions.streams.get(stream.name)
    return { ...planned, ...(before === undefined ? { change: 'create', because: 'new' } : difference(before, now)) }
  })
  const gone = [...(definitions?.streams ?? [])].filter(([name]) => !project.streams.some((stream) => stream.name === name))
  return [
    ...streams,
    ...gone.map(([stream, { topic, table }]): StreamChange => {
      return { stream, topic, table, change: 'remove', because: 'no file defines it any more; its offsets, dead letters and table stay' }
    }),
  ]
}

function difference(before: StreamRecord, now: StreamRecord): Pick<StreamChange, 'change' | 'because'> {
  const told: string[] = []
  if (before.topic !== now.topic) told.push(`reads ${now.topic} instead of ${before.topic}`)
  if (before.table !== now.table) told.push(`writes ${now.table} instead of ${before.table}`)
  if (before.steps.join() !== now.steps.join()) told.push(`steps ${listed(now.steps)} instead of ${listed(before.steps)}`)
  if (told.length === 0 && before.code !== now.code) told.push('its file has changed')
  return told.length === 0 ? { change: 'none', because: '' } : { change: 'change', because: told.join('; ') }
}

function listed(steps: readonly string[]): string {
  return steps.length === 0 ? 'none' : steps.join(', ')
}
