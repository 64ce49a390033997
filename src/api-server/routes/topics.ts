import { z } from 'zod'
import { MillraceError, systemClock } from '../../platform/index.ts'
import type { Principal } from '../access/roles.ts'
import { personalIn } from '../data/payload.ts'
import { newestRecords, readUpTo, tailTopic, type ReadOptions } from '../data/read-topic.ts'
import { searchTopic } from '../data/search-topic.ts'
import { describeTopic, listTopics } from '../data/topic-browser.ts'
import { answer, events, type Route, type ServerEvent } from '../http/route.ts'
import type { ApiPorts } from '../ports.ts'
import { record, searchState, topicSummary, topicView } from '../schemas/data.ts'

const topicParams = z.object({ topic: z.string() })
const partition = z.coerce.number().int().min(0).optional()
const limit = z.coerce.number().int().min(1).max(1_000).default(50)
const from = z
  .string()
  .regex(/^(earliest|latest|newest|offset:\d{1,19}|time:\d{1,15})$/, 'write earliest, newest, offset:<n> or time:<milliseconds>')
  .meta({ description: 'earliest, newest, offset:<n> or time:<milliseconds since 1970>' })
const recordsQuery = z.strictObject({ partition, from: from.default('newest'), limit })
const searchQuery = z.strictObject({
  partition,
  text: z.string().min(1).max(1_000),
  where: z.enum(['anywhere', 'key', 'value', 'header']).default('anywhere'),
  from: from.default('earliest'),
  limit,
})
const producedRecord = z.strictObject({
  key: z.string().nullable().default(null),
  value: z.json().meta({ description: 'as the topic’s schema has it; text for a topic without one' }),
  as: z.enum(['value', 'text']).default('value').meta({ description: '`text`: the bytes of a text as it is, whatever the schema says' }),
  headers: z.record(z.string(), z.string()).default({}),
  partition: z.int().min(0).optional(),
})

export function topicRoutes(ports: Pick<ApiPorts, 'data' | 'masking'>): Route[] {
  return [...listRoutes(ports), ...readRoutes(ports), produceRoute(ports)]
}

function listRoutes({ data }: Pick<ApiPorts, 'data'>): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/topics',
      summary: 'All topics with their partitions and offsets',
      role: 'viewer',
      response: z.array(topicSummary),
      handle: async () => listTopics(await data.kafka()),
    }),
    answer({
      method: 'GET',
      path: '/topics/:topic',
      summary: 'A topic: partitions, configs, groups with their lag',
      role: 'viewer',
      params: topicParams,
      response: topicView,
      handle: async ({ params: { topic } }) => describeTopic(await data.kafka(), topic),
    }),
  ]
}

function readRoutes(ports: Pick<ApiPorts, 'data' | 'masking'>): Route[] {
  async function* tail(topic: string, of: number | undefined, asked: Asked, resume: string | null): AsyncGenerator<ServerEvent> {
    yield* tailTopic(await readOptions(ports, topic, of, asked), resume)
  }
  async function* search(topic: string, query: z.infer<typeof searchQuery>, asked: Asked): AsyncGenerator<ServerEvent> {
    const start = startingPoint(query.from === 'newest' ? 'earliest' : query.from)
    const what = { text: query.text.toLowerCase(), where: query.where, from: start, limit: query.limit }
    yield* searchTopic(await readOptions(ports, topic, query.partition, asked), what)
  }
  return [
    answer({
      method: 'GET',
      path: '/topics/:topic/records',
      summary:
        'Records, the newest first or from a place on in the log’s order; read committed; of large ones fewer than `limit`, about 8 MiB',
      role: 'viewer',
      params: topicParams,
      query: recordsQuery,
      response: z.array(record),
      handle: async ({ params: { topic }, query, principal, signal }) => {
        const options = await readOptions(ports, topic, query.partition, { principal, signal })
        if (query.from === 'newest') return newestRecords(options, query.limit)
        return readUpTo(options, startingPoint(query.from), query.limit)
      },
    }),
    events({
      method: 'GET',
      path: '/topics/:topic/tail',
      summary: 'New records as they come, a sample of them when they come fast; resumes from Last-Event-ID',
      role: 'viewer',
      params: topicParams,
      query: z.strictObject({ partition }),
      events: { records: z.object({ records: z.array(record), seen: z.int(), shown: z.int() }) },
      handle: ({ params, query, principal, signal, lastEventId }) =>
        tail(params.topic, query.partition, { principal, signal }, lastEventId),
    }),
    events({
      method: 'GET',
      path: '/topics/:topic/search',
      summary: 'Searches the log, telling how far it is; ends at `limit` hits',
      role: 'viewer',
      params: topicParams,
      query: searchQuery,
      events: { hit: record, progress: searchState, done: searchState.extend({ complete: z.boolean() }) },
      handle: ({ params, query, principal, signal }) => search(params.topic, query, { principal, signal }),
    }),
  ]
}

function produceRoute({ data }: Pick<ApiPorts, 'data'>): Route {
  return answer({
    method: 'POST',
    path: '/topics/:topic/records',
    summary: 'Produces a record',
    role: 'operator',
    action: 'topic.produce',
    params: topicParams,
    body: producedRecord,
    response: z.object({ partition: z.int(), offset: z.string() }),
    handle: async ({ params: { topic }, body, note, signal }) => {
      const kafka = await data.kafka()
      await describeTopic(kafka, topic)
      const value = await valueBytes(data.values, topic, body, signal)
      const producer = kafka.producer()
      try {
        const headers = Object.entries(body.headers).map(([key, text]) => ({ key, value: Buffer.from(text) }))
        const where = body.partition === undefined ? {} : { partition: body.partition }
        const [sent] = await producer.send([{ topic, key: body.key, value, headers, timestampMs: systemClock.nowMs(), ...where }])
        if (sent === undefined) throw new MillraceError('INTERNAL', 'The record was not acknowledged.')
        // What it holds may be personal, and is in the topic for those who may see it.
        note({ after: { partition: sent.partition, offset: String(sent.offset) } })
        return { partition: sent.partition, offset: String(sent.offset) }
      } finally {
        await producer.close()
      }
    },
  })
}

function valueBytes(
  values: ApiPorts['data']['values'],
  topic: string,
  { value, as }: z.infer<typeof producedRecord>,
  signal: AbortSignal,
): Promise<Uint8Array> | Uint8Array | null {
  if (value === null) return null
  return as === 'text' ? Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) : values.encode(topic, value, signal)
}

interface Asked {
  readonly principal: Principal
  readonly signal: AbortSignal
}

async function readOptions(
  { data, masking }: Pick<ApiPorts, 'data' | 'masking'>,
  topic: string,
  partition: number | undefined,
  { principal, signal }: Asked,
): Promise<ReadOptions> {
  const kafka = await data.kafka()
  const { topics } = await kafka.admin.metadata([topic])
  const found = topics.find(({ name }) => name === topic)
  if (found === undefined || found.error !== null) throw new MillraceError('NOT_FOUND', `There is no topic ${topic} that can be read.`)
  const all = found.partitions.map((each) => each.partition)
  if (partition !== undefined && !all.includes(partition))
    throw new MillraceError('NOT_FOUND', `Topic ${topic} has no partition ${partition}.`)
  const personal = principal.role === 'viewer' ? personalIn(masking(), topic) : null
  return { kafka, values: data.values, topic, partitions: partition === undefined ? all : [partition], masking: personal, signal }
}

function startingPoint(from: string): 'earliest' | 'latest' | { offset: bigint } | { timestampMs: number } {
  const [kind, number = '0'] = from.split(':')
  if (kind === 'offset') return { offset: BigInt(number) }
  if (kind === 'time') return { timestampMs: Number(number) }
  return kind === 'latest' ? 'latest' : 'earliest'
}
