import { followFetched, type FetchedTotals } from '../connectors/index.ts'
import { names, type FlowCounts, type Project, type Topology } from '../core/index.ts'
import type { CassandraSession } from '../cql-client/index.ts'
import type { KafkaClient, RecordCount, RecordCounter } from '../kafka-client/index.ts'
import { asMillraceError, type Logger, type MillraceError } from '../platform/index.ts'
import { OpenDeadLetters } from '../streams/index.ts'
import type { Clients } from './clients.ts'
import { reused } from './reused.ts'
import { TableCounts } from './table-counts.ts'

/** Counts, and why a system could not be asked. */
export interface Observed {
  counts: FlowCounts
  topicError: MillraceError | null
  tableError: MillraceError | null
  /** First offset not yet committed, by partition of the topic. */
  committed: ReadonlyMap<number, bigint>
}

/** Asks topics and tables how much is in them, over the same protocols and addresses as everyone else. */
export interface Observer extends AsyncDisposable {
  observe(project: Project, stream: Topology): Promise<Observed>
  /** Records that the sources of the project have fetched and had acknowledged, ever; null while Kafka does not say. */
  fetched(): Promise<number | null>
  close(): Promise<void>
}

/** Counting a topic again and again may take about a twentieth of the time, but no count grows older than this. */
const countShare = 20
const oldestCountMs = 60_000
/** Topics are counted by reading batch headers: at most so long for one answer, and never those with more offsets than this. */
const longestCountMs = 250
const mostCounted = 2_000_000
/** So few cost nothing: an answer is exact where little has changed since the last one, and a slow moment is waited for. */
const alwaysCounted = 10_000
const mostRounds = 20

export function createObserver(project: string, clients: Pick<Clients, 'kafka' | 'cassandra'>, log: Logger): Observer {
  const kafka = reused<KafkaClient>(() =>
    clients.kafka({ clientId: 'millrace.observer', log, connectTimeoutMs: 2_000, requestTimeoutMs: 5_000 }),
  )
  const cassandra = reused<CassandraSession>(() => clients.cassandra({ log, requestTimeoutMs: 10_000 }))
  const tableCounts = new TableCounts((table) => cassandra.use((session) => session.count(...splitTable(table))))
  const topicCounts = new TopicCounts()
  const totals = reused<FetchedTotals>(async () => kafka.use(async (client) => followFetched(client, project)))
  const hasCursors = async (): Promise<boolean> =>
    kafka.use(async (client) => (await client.admin.metadata([names.cursors(project)])).topics.some((topic) => topic.error === null))

  const close = async (): Promise<void> => {
    await totals.close()
    await kafka.close()
    await cassandra.close()
  }

  return {
    fetched: async () => {
      const total = await settle((async () => ((await hasCursors()) ? totals.use((each) => each.total()) : 0))())
      return total.ok ? total.value : null
    },
    observe: async (project, stream) => {
      const table = stream.nodes.find((node) => node.is === 'sink')?.table ?? ''
      const topic = stream.nodes.find((node) => node.is === 'source')?.topic ?? ''
      const [inKafka, inTable] = await Promise.all([
        settle(kafka.use((client) => countTopic(client, topicCounts, project.name, stream.name, topic))),
        tableCounts.of(table),
      ])
      const found = inKafka.ok ? inKafka.value : null
      return {
        counts: {
          stream: stream.name,
          topic,
          table,
          fetched: null,
          inTopic: found?.inTopic ?? null,
          inTable: inTable.count,
          deadLetters: found?.deadLetters ?? null,
          isExact: found?.isExact ?? true,
          lag: found?.lag ?? null,
        },
        topicError: inKafka.ok ? null : inKafka.error,
        tableError: inTable.error,
        committed: found?.committed ?? new Map<number, bigint>(),
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function splitTable(table: string): [keyspace: string, name: string] {
  const [keyspace = '', name = ''] = table.split('.')
  return [keyspace, name]
}

interface InKafka {
  inTopic: number
  deadLetters: number
  isExact: boolean
  lag: number
  committed: Map<number, bigint>
}

async function countTopic(client: KafkaClient, counts: TopicCounts, project: string, stream: string, topic: string): Promise<InKafka> {
  const dlq = names.deadLetters(project, stream)
  const { topics } = await client.admin.metadata([topic, dlq])
  const there = topics.filter((each) => each.error === null)
  const partitions = there.flatMap((each) => (each.name === topic ? each.partitions.map(({ partition }) => ({ topic, partition })) : []))
  const isThere = (name: string): boolean => there.some((each) => each.name === name)
  const none = { records: 0, isExact: true }
  const [inTopic, deadLetters, earliest, latest, offsets] = await Promise.all([
    isThere(topic) ? counts.of(client, topic) : none,
    isThere(dlq) ? counts.openDeadLetters(client, project, stream) : none,
    client.admin.listOffsets(partitions, 'earliest'),
    // As far as streams can read; and what a commit in progress is about to say is not waited for.
    client.admin.listOffsets(partitions, 'latest', { isolationLevel: 'read_committed' }),
    client.admin.committedOffsets(names.group(project, stream), [topic], { waitForTransactions: false }),
  ])
  const committed = new Map(
    offsets.filter((each) => each.topic === topic && each.offset >= 0n).map((each) => [each.partition, each.offset]),
  )
  let lag = 0
  for (const { partition, offset } of latest) {
    const start = earliest.find((each) => each.partition === partition)?.offset ?? 0n
    lag += Math.max(0, Number(offset - (committed.get(partition) ?? start)))
  }
  return { inTopic: inTopic.records, deadLetters: deadLetters.records, isExact: inTopic.isExact && deadLetters.isExact, lag, committed }
}

/** The counters of topics and of dead letters, kept from one question to the next: each reads only what is new. */
class TopicCounts {
  readonly #counters = new WeakMap<
    KafkaClient,
    Map<string, { counter: RecordCounter; counting: Promise<RecordCount> | null; restUntilMs: number }>
  >()

  readonly #deadLetters = new WeakMap<KafkaClient, Map<string, OpenDeadLetters>>()

  /** Those that nobody has replayed or discarded. */
  openDeadLetters(client: KafkaClient, project: string, stream: string): Promise<RecordCount> {
    const counters = this.#deadLetters.get(client) ?? new Map<string, OpenDeadLetters>()
    this.#deadLetters.set(client, counters)
    const counter = counters.get(stream) ?? new OpenDeadLetters(client, project, stream)
    counters.set(stream, counter)
    return exactIfFew(() => counter.count({ withinMs: longestCountMs }))
  }

  /** Whoever asks while it counts gets the same answer. */
  of(client: KafkaClient, topic: string): Promise<RecordCount> {
    const counters = this.#counters.get(client) ?? new Map()
    this.#counters.set(client, counters)
    const known = counters.get(topic) ?? { counter: client.recordCounter(topic), counting: null, restUntilMs: 0 }
    counters.set(topic, known)
    return (known.counting ??= this.#count(known).finally(() => {
      known.counting = null
    }))
  }

  async #count(known: { counter: RecordCounter; restUntilMs: number }): Promise<RecordCount> {
    const startedMs = performance.now()
    const mostOffsets = startedMs < known.restUntilMs ? alwaysCounted : mostCounted
    const count = await exactIfFew(() => known.counter.count({ withinMs: longestCountMs, mostOffsets }))
    const endedMs = performance.now()
    if (mostOffsets === mostCounted) known.restUntilMs = endedMs + Math.min(oldestCountMs, (endedMs - startedMs) * countShare)
    return count
  }
}

/** Each round goes on where the one before it stopped. Counted by offsets, a topic of 40 records has as many as its transactions' markers more. */
async function exactIfFew(count: () => Promise<RecordCount>): Promise<RecordCount> {
  let found = await count()
  for (let round = 1; !found.isExact && found.records <= alwaysCounted && round < mostRounds; round++) found = await count()
  return found
}

type Settled<T> = { ok: true; value: T } | { ok: false; error: MillraceError }

async function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error: asMillraceError(error, 'UNREACHABLE') }),
  )
}
